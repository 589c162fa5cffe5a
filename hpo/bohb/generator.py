"""BOHB's model: proposes configurations from kernel density estimates of good and bad ones.

Falkner et al. 2018, section 3.2, in the form of HpBandSter's CG_BOHB. All candidates are drawn and
scored at once, and its defects are fixed: stable splits, ordinals, categories, imputation, and no
global generator.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from hpbandster.core.base_config_generator import base_config_generator
from hpbandster.core.dispatcher import Job
from numpy.typing import NDArray

from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.bohb.kde_model import KDEModel, can_be_fitted, least_points
from oneshot_hpo.hpo.bohb.prior_band import Evidence, neighbour, shares
from oneshot_hpo.hpo.bohb.prior_density import PriorDensity
from oneshot_hpo.hpo.brackets import rung_budgets
from oneshot_hpo.hpo.randomness import Purpose, event_generator
from oneshot_hpo.hpo.settings import OptimizerSettings

Array = NDArray[np.float64]

_BETA = 10
"""Weight of a user's prior on the expected improvement, divided by the number of observations
(Hvarfner et al. 2022)."""
_TRIES = 20
"""Draws from a user's prior, if the space forbids them, before a uniform one."""


@dataclass
class _Observations:
    """Observations at one budget; configurations are encoded when a model first needs them."""

    vectors: Array
    """(n, d), ordered by loss; ties in order of arrival."""
    losses: Array = field(default_factory=lambda: np.empty(0))
    """(n,)"""
    new: list[tuple[dict[str, Any], float]] = field(default_factory=list)
    """Configurations and losses that are not in the arrays yet."""
    last_seq: int = -1
    model: KDEModel | None = None

    def __len__(self) -> int:
        return len(self.losses) + len(self.new)

    def merge_new(self, encoding: Encoding) -> None:
        """Move new observations into the arrays."""
        if not self.new:
            return
        self.new.sort(key=itemgetter(1))
        losses = np.array([loss for _, loss in self.new])
        vectors = np.array([encoding.encode(config) for config, _ in self.new])
        places = np.searchsorted(self.losses, losses, side="right")
        self.losses = np.insert(self.losses, places, losses)
        self.vectors = np.insert(self.vectors, places, vectors, axis=0)
        self.new = []
        self.model = None


class VectorisedKDEGenerator(base_config_generator):
    """Drop-in for HpBandSter's CG_BOHB, with get_config and new_result.

    `seq` is the number of the current decision: set it before each call, which it seeds. Models are
    fitted when a proposal needs one, so registering results is cheap.
    Raises InvalidSettings when min_points_in_model is too small for the space.
    """

    def __init__(self, space: ConfigurationSpace, settings: OptimizerSettings) -> None:
        super().__init__()
        self.seq = 0
        self.settings = settings
        # A copy, because a random configuration seeds it.
        self.encoding = Encoding(copy.deepcopy(space))
        least_points(self.encoding.dimensions, settings)  # raises for settings that do not fit
        self._observations: dict[float, _Observations] = {}
        self._rungs = rung_budgets(settings)

        prior = settings.user_prior
        density = None if prior is None else PriorDensity.of(prior, self.encoding)
        self._sampled = density if prior is not None and prior.method == "sampling" else None
        self._weighing = density if prior is not None and prior.method == "acquisition" else None

    def new_result(self, job: Job, update_model: bool = True) -> None:
        """Add a finished job to the observations at its budget; a crash has an infinite loss."""
        loss = np.inf if job.result is None else job.result["loss"]
        observations = self._observations.get(job.kwargs["budget"])
        if observations is None:
            observations = _Observations(np.empty((0, self.encoding.dimensions)))
            self._observations[job.kwargs["budget"]] = observations
        observations.new.append((job.kwargs["config"], loss))
        observations.last_seq = self.seq

    def forget_crash(self, config: dict[str, Any], budget: float) -> None:
        """Remove the crash of a configuration from the observations at a budget."""
        self._forget(config, budget, np.inf)

    def replace_loss(
        self, config: dict[str, Any], budget: float, before: float, after: float
    ) -> None:
        """Change the loss of a configuration at a budget."""
        self._forget(config, budget, before)
        self._observations[budget].new.append((config, after))

    def _forget(self, config: dict[str, Any], budget: float, loss: float) -> None:
        """Remove an observation: of equal ones the first, so that a replay removes the same."""
        seen = self._observations[budget]
        seen.merge_new(self.encoding)
        vector = self.encoding.encode(config)
        same = (seen.vectors == vector) | (np.isnan(seen.vectors) & np.isnan(vector))
        row = np.flatnonzero((seen.losses == loss) & same.all(axis=1))[0]
        seen.vectors = np.delete(seen.vectors, row, axis=0)
        seen.losses = np.delete(seen.losses, row)
        seen.last_seq = self.seq
        seen.model = None

    def get_config(self, budget: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """A configuration and {"model_based_pick": whether the model proposed it}.

        With a user's prior that is sampled, `drawn_from` says where another pick comes from. The
        model is that of the largest budget with enough observations, whatever `budget` is.
        """
        rng = event_generator(self.settings.seed, Purpose.PROPOSAL, self.seq)
        model_budget = self.largest_budget_with_model()
        if model_budget is None or rng.random() < self.settings.random_fraction:
            return self._random_pick(budget, rng)
        model = self.model(model_budget)
        factor = self._log_factor(model_budget)
        for candidate in model.candidates(self.settings, rng, factor):
            try:
                return self.encoding.decode(candidate), {"model_based_pick": True}
            except ValueError:  # the space forbids it: try the next best one
                continue
        return self._random_pick(budget, rng)

    def largest_budget_with_model(self) -> float | None:
        """The largest budget with more good and more bad observations than dimensions."""
        for budget in sorted(self._observations, reverse=True):
            count = len(self._observations[budget])
            if can_be_fitted(count, self.encoding.dimensions, self.settings):
                return budget
        return None

    def model(self, budget: float) -> KDEModel:
        """The model of the observations at a budget."""
        seen = self._observations[budget]
        if seen.model is None or seen.new:
            seen.merge_new(self.encoding)
            rng = event_generator(self.settings.seed, Purpose.MODEL, seen.last_seq)
            seen.model = KDEModel.fit_sorted(seen.vectors, self.encoding.levels, self.settings, rng)
        return seen.model

    def _log_factor(self, budget: float) -> Callable[[Array], Array] | None:
        """What a user's prior adds to the logarithm of the expected improvement.

        It fades as observations arrive.
        """
        density = self._weighing
        if density is None:
            return None
        power = _BETA / len(self._observations[budget])
        return lambda points: power * density.log_density(points)

    def _random_pick(
        self, budget: float, rng: np.random.Generator
    ) -> tuple[dict[str, Any], dict[str, Any]]:
        """A configuration that no model proposes, for a bracket that starts at this budget."""
        if self._sampled is None:
            return self._uniform(rng), {"model_based_pick": False}

        evidence = self._evidence()
        rung, levels = sum(lower < budget for lower in self._rungs), self.encoding.levels
        uniform, prior, _ = shares(rung, self.settings.eta, self._sampled, levels, evidence)
        at = rng.random()
        if at < uniform:
            return self._uniform(rng), {"model_based_pick": False, "drawn_from": "uniform"}

        from_prior = evidence is None or at < uniform + prior
        for _ in range(_TRIES):
            if from_prior:
                point = self._sampled.draw(rng)
            else:
                assert evidence is not None
                point = neighbour(evidence.best, levels, rng)
            try:
                config = self.encoding.decode(point)
            except ValueError:  # the space forbids it
                continue
            source = "prior" if from_prior else "neighbours"
            return config, {"model_based_pick": False, "drawn_from": source}
        return self._uniform(rng), {"model_based_pick": False, "drawn_from": "uniform"}

    def _evidence(self) -> Evidence | None:
        """The best configurations so far; None before two have finished at the largest budget.

        One of the two may be the default, which says nothing of the search.
        """
        finished = {budget: self._finished(budget) for budget in self._observations}
        largest = max(finished, default=0.0)
        if largest < self._rungs[-1] or len(finished[largest]) < 2:
            return None
        enough = [budget for budget, own in finished.items() if len(own) >= self.settings.eta]
        return Evidence(finished[largest][0], finished[max(enough, default=largest)])

    def _finished(self, budget: float) -> Array:
        """(n, d) configurations with a loss at a budget, the best first."""
        seen = self._observations[budget]
        seen.merge_new(self.encoding)
        finished: Array = seen.vectors[np.isfinite(seen.losses)]
        return finished

    def _uniform(self, rng: np.random.Generator) -> dict[str, Any]:
        return self.encoding.sample(int(rng.integers(2**32)))
