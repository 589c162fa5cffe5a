"""The tree-structured Parzen estimator (Bergstra et al. 2011) for categories.

The formulas are those of Optuna's TPESampler with multivariate=False, as the paper has it and as
was Optuna's default up to version 4; since version 5 its default models all dimensions together. A
density is a mixture of one kernel an observation and a uniform prior, a dimension on its own. A
mixture over categories is a table of probabilities, so that all repetitions are one array. Optuna
itself takes 27 ms a proposal with 280 observations in 10 dimensions: 500 repetitions would be
hours.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.checks import number, setting
from oneshot_hpo.hpo.baselines.checks import COUNT, check_settings
from oneshot_hpo.hpo.baselines.optimizer import (
    Draws,
    Floats,
    Integers,
    Optimizer,
    Problem,
    Proposal,
    draw_levels,
)


@dataclass(frozen=True, kw_only=True)
class TPESettings:
    """Settings of TPE; the defaults are those of Optuna's TPESampler(multivariate=False)."""

    startup: int = setting(10, COUNT)
    """Random configurations before the first model."""
    candidates: int = setting(24, COUNT)
    """Draws from the density of the good ones, of which the best is taken, a dimension."""
    good_share: float = setting(0.1, number(above=0, below=1))
    """Share of the observations that are the good ones, rounded up; 25 of them at most."""
    prior_weight: float = setting(1.0, number(above=0))
    """Weight of the uniform prior; an observation has 1 at most."""

    def __post_init__(self) -> None:
        check_settings(self)


_RECENT = 25
"""Of the observations of a density, those that count in full; of the good ones, all there are."""


class TPE(Optimizer):
    """TPE with independent dimensions."""

    def __init__(
        self,
        problem: Problem,
        settings: TPESettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        super().__init__(problem, seeds)
        self._draws = Draws(seeds)
        self._settings = settings
        self._observed = np.empty((self.repetitions, 0, len(self.choices)), np.int64)
        self._losses = np.empty((self.repetitions, 0))

    def ask(self) -> Proposal:
        """Random configurations first, then the best of the candidates in every dimension."""
        if self._losses.shape[1] < self._settings.startup:
            self._asked = self._draws.below(self.choices, len(self.choices))
        else:
            self._asked = self._best_candidates(*self._densities())
        return Proposal(self._asked, self.problem.full)

    def tell(self, losses: Floats) -> None:
        """One more observation in every repetition."""
        self._observed = np.concatenate([self._observed, self._asked[:, None]], axis=1)
        self._losses = np.concatenate([self._losses, losses[:, None]], axis=1)

    def _densities(self) -> tuple[Floats, Floats]:
        """Those of the good and of the bad configurations, (R, d, L) each."""
        good = good_ones(self._losses, self._settings.good_share)
        prior = self._settings.prior_weight
        return (
            level_probabilities(self._observed, good, self.choices, prior),
            level_probabilities(self._observed, ~good, self.choices, prior),
        )

    def _best_candidates(self, good: Floats, bad: Floats) -> Integers:
        """The candidate of the highest good / bad density, (R, d); of equals, the first drawn."""
        shape = (self._settings.candidates, len(self.choices))
        drawn = draw_levels(good[:, None], self._draws.uniform(*shape))
        with np.errstate(divide="ignore", invalid="ignore"):  # values that a dimension has not
            score = np.log(good) - np.log(bad)
        scores = np.take_along_axis(score[:, None], drawn[..., None], axis=-1)[..., 0]
        best = scores.argmax(axis=1)
        return np.take_along_axis(drawn, best[:, None], axis=1)[:, 0]


def good_ones(losses: Floats, share: float) -> NDArray[np.bool_]:
    """Which of n observations are the good ones, (R, n); of equals, the first are better."""
    n = losses.shape[1]
    count = min(math.ceil(share * n), _RECENT)
    good = np.zeros(losses.shape, bool)
    np.put_along_axis(good, np.argsort(losses, axis=1, kind="stable")[:, :count], True, axis=1)
    return good


def level_probabilities(
    observed: Integers, members: NDArray[np.bool_], choices: Integers, prior_weight: float
) -> Floats:
    """The density of some of n observations in time, (R, d, L); 0 for values that are none.

    observed: (R, n, d). members: (R, n), equally many in each repetition. A kernel has the weight
    prior_weight / (members + 1) on every value and 1 more on its own; the last 25 kernels count in
    full, the older ones less, along a ramp.
    """
    repetitions, _, dimensions = observed.shape
    n = int(members[0].sum())
    kept = observed[members].reshape(repetitions, n, dimensions)
    weights = np.append(_weights_in_time(n), prior_weight)
    weights /= weights.sum()

    levels = int(choices.max())
    # (R, d, L) total weight of the kernels at each value, as one count over all cells.
    cells = (np.arange(repetitions)[:, None, None] * dimensions + np.arange(dimensions)) * levels
    at_level = np.bincount(
        (cells + kept).ravel(),
        np.broadcast_to(weights[:n, None], kept.shape).ravel(),
        repetitions * dimensions * levels,
    ).reshape(repetitions, dimensions, levels)

    flat = prior_weight / (n + 1)
    size = choices[:, None]
    density = (at_level + weights[:n].sum() * flat) / (1 + flat * size) + weights[n] / size
    return np.where(np.arange(levels) < size, density, 0)


def _weights_in_time(n: int) -> Floats:
    """(n,) weights of observations, the oldest first."""
    if n < _RECENT:
        return np.ones(n)
    return np.concatenate([np.linspace(1 / n, 1, n - _RECENT), np.ones(_RECENT)])
