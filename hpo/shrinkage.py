"""The best of many noisy losses looks better than it is: posterior means of the true losses."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.hpo.true_losses import (
    MOST_POINTS,
    REACH,
    STEEP_TILTS,
    STEP,
    fit_densities,
    likelihoods,
)

Array = NDArray[np.float64]

_NODES = ((-math.sqrt(3), 1 / 6), (0.0, 2 / 3), (math.sqrt(3), 1 / 6))
"""Points and weights that average a function of a standard normal number (Gauss-Hermite)."""


class SeedNoise(NamedTuple):
    """How far losses of one configuration with different seeds are apart."""

    deviation: float
    """The standard deviation of a loss, above 0."""
    uncertainty: float = 0.0
    """The standard deviation of the logarithm of `deviation`, which is an estimate itself."""


@dataclass(frozen=True, eq=False)
class Shrinkage:
    """The posterior of the true losses of N configurations, given their measured means."""

    posterior_means: Array
    """(N,)"""
    _parts: tuple[tuple[float, _Posterior], ...]
    """Weights of noise deviations, and the posterior under each."""

    def probability_below(self, one: int, other: int) -> float:
        """The probability that the true loss of one configuration is below that of another."""
        return sum(weight * part.probability_below(one, other) for weight, part in self._parts)


def shrink(means: Array, repeats: NDArray[np.int64], noise: SeedNoise) -> Shrinkage:
    """The posterior of N true losses.

    means: (N,) measured means; repeats: (N,) how many evaluations each is the mean of; noise: that
    of one evaluation. The configurations are exchangeable: which of them is the default, or came
    later, is not used.
    """
    nodes = _NODES if noise.uncertainty else ((0.0, 1.0),)
    parts = tuple(
        (weight, _posterior(means, repeats, noise.deviation * math.exp(at * noise.uncertainty)))
        for at, weight in nodes
    )
    return Shrinkage(np.sum([weight * part.means for weight, part in parts], axis=0), parts)


class _Posterior(NamedTuple):
    """The posterior under one deviation of the noise."""

    means: Array
    """(N,)"""
    shares: Array
    """(D, N, G) of each configuration under each density, on a grid; rows add up to 1."""
    weights: Array
    """(D,) posterior probabilities of the densities."""

    def probability_below(self, one: int, other: int) -> float:
        first, second = self.shares[:, one], self.shares[:, other]
        above = np.flip(np.flip(second, 1).cumsum(1), 1) - second / 2
        return float(self.weights @ (first * above).sum(1))


def _posterior(means: Array, repeats: NDArray[np.int64], deviation: float) -> _Posterior:
    lowest = means.min()
    scaled, errors = (means - lowest) / deviation, 1 / np.sqrt(repeats)
    near = scaled <= REACH
    limit = max(REACH / 2, float(scaled[near].max()))
    step = max(2 * STEP * float(errors[near].min()), limit / MOST_POINTS)
    densities = fit_densities(
        scaled[near],
        errors[near],
        np.ones(int(near.sum())),
        limit=limit,
        step=step,
        tilts=STEEP_TILTS,
    )

    likelihood = likelihoods(scaled, errors, densities.grid)
    # The density says nothing of losses out of reach: they are at its end, and are not shrunk.
    likelihood[~near] = densities.grid == densities.grid[-1]
    shares = densities.values[:, None] * likelihood
    shares[:, ~near] = likelihood[~near]
    shares /= np.maximum(shares.sum(2, keepdims=True), np.finfo(float).tiny)

    found = densities.weights @ (shares @ densities.grid)
    return _Posterior(np.where(near, lowest + deviation * found, means), shares, densities.weights)
