"""The best value of a study, shrunk: what it is expected to be with other seeds.

The lowest of many noisy losses is lower than its configuration is good. `hpo.shrinkage` says by how
much, given the noise between seeds: that of repeated evaluations if there are enough, else what
neighbouring configurations do not explain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from oneshot_hpo.experiments.objectives.section import LOSS, measure, plural
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome, loss_text
from oneshot_hpo.experiments.study.summary import NOTHING
from oneshot_hpo.hpo import BASELINE_ID, Trial
from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.seed_noise import LEAST, repeated_noise, smooth_noise
from oneshot_hpo.hpo.shrinkage import SeedNoise, shrink

_REPEATED = "measured on repeated searches"
_SMOOTH = "estimated from neighbouring configurations"


class Measured(NamedTuple):
    """A configuration that was evaluated at the largest budget."""

    trial: Trial
    losses: list[float]
    """Its losses, that of the trial first."""


@dataclass(frozen=True)
class ShrunkenBest:
    """The posterior of the incumbent's true loss, and of the default's."""

    measured: float
    """The incumbent's mean loss."""
    posterior: float
    """The posterior mean of its true loss."""
    evaluations: int
    """Number of evaluations of which `measured` is the mean."""
    among: int
    """Number of configurations of which it is the best."""
    is_default: bool
    """Whether the incumbent is the default configuration."""
    default: float | None
    """The posterior mean of the default's true loss; None: it is the incumbent, or has no loss at
    the largest budget."""
    beats_default: float | None
    """The probability that the incumbent's true loss is below the default's; None likewise."""
    noise: SeedNoise
    """Between seeds, at the largest budget."""
    is_repeated: bool
    """Whether the noise is that of repeated evaluations; else neighbours show it."""
    objective: str | None
    """`Outcome.objective`."""

    @property
    def optimism(self) -> float:
        """How much better the best value looks than it is expected to be."""
        return self.posterior - self.measured

    @property
    def words(self) -> str:
        """The posterior in a sentence or two."""
        losses = f"{self.among} {plural(measure(self.objective))}"
        value = loss_text(self.posterior, self.objective)
        source = _REPEATED if self.is_repeated else _SMOOTH
        mean = "" if self.evaluations == 1 else f", the mean of {self.evaluations} evaluations,"
        words = (
            f"The best of {losses}{mean} is {self._difference(self.optimism)} too good: {value} is "
            f"expected with new seeds (noise {self._difference(self.noise.deviation)}, "
            f"{source})."
        )
        if self.beats_default is not None:
            words += f" It beats the default with a probability of {self.beats_default:.2f}."
        return words

    def text(self, posterior: float | None) -> str:
        """A posterior mean as tables show it."""
        return NOTHING if posterior is None else loss_text(posterior, self.objective)

    def _difference(self, value: float) -> str:
        return f"{value:.2g}" if measure(self.objective) == LOSS else f"{100 * value:.2f} points"


def shrunken_best(study: OpenedStudy) -> ShrunkenBest | None:
    """The shrunken best value of a study so far.

    None: fewer than LEAST configurations have a loss at the largest budget, their losses show no
    noise, or all searches share one seed, so that they share their noise.
    """
    view = study.view
    measured = measured_losses(study)
    if len(measured) < LEAST or view.incumbent is None or view.settings.trial_seed == "study":
        return None
    repeated = repeated_noise([one.losses for one in measured])
    noise = repeated or _smooth_noise(study, measured)
    if noise is None:
        return None

    ids = [one.trial.id for one in measured]
    means = np.array([np.mean(one.losses) for one in measured])
    shrunk = shrink(means, np.array([len(one.losses) for one in measured]), noise)
    best = ids.index(view.incumbent[0].id)
    default = ids.index(BASELINE_ID) if BASELINE_ID in ids else best
    is_other = default != best
    return ShrunkenBest(
        measured=float(means[best]),
        posterior=float(shrunk.posterior_means[best]),
        evaluations=len(measured[best].losses),
        among=len(measured),
        is_default=view.incumbent[0].id == BASELINE_ID,
        default=float(shrunk.posterior_means[default]) if is_other else None,
        beats_default=shrunk.probability_below(best, default) if is_other else None,
        noise=noise,
        is_repeated=repeated is not None,
        objective=Outcome.from_result(view.incumbent[1]).objective,
    )


def measured_losses(study: OpenedStudy) -> list[Measured]:
    """Every configuration with a loss at the largest budget, with its fresh seeds.

    These are its replicates and the runs of the confirmation, which share seeds by number.
    """
    found = [
        Measured(trial, study.view.losses_of(trial, result))
        for trial, result in study.view.evaluations
        if trial.budget == study.largest_budget and result.loss is not None
    ]
    if study.confirmation is None:
        return found
    for name, setting in study.confirmation.settings.items():
        again = {
            run.seed: result.loss
            for run, result in study.confirmation.results_of(name).values()
            if result.loss is not None
        }
        one = next((one for one in found if one.trial.config == setting.config), None)
        if one is not None:
            seen = {
                replicate.seed
                for replicate, _ in study.view.replicates
                if replicate.id == one.trial.id
            }
            one.losses.extend(loss for seed, loss in again.items() if seed not in seen)
    return found


def _smooth_noise(study: OpenedStudy, measured: list[Measured]) -> SeedNoise | None:
    encoding = Encoding(study.view.space)
    vectors = np.array([encoding.encode(one.trial.config) for one in measured])
    losses = np.array([one.losses[0] for one in measured])
    return smooth_noise(vectors, losses, encoding.levels)
