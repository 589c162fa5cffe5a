"""The probability that a cell is the best of its space, given the noise of few repeats.

Each measured mean is the true error plus normal noise; `hpo.true_losses` has the model of the
density of good cells' true errors.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.hpo.true_losses import (
    MARGIN,
    MOST_POINTS,
    REACH,
    STEP,
    Densities,
    fit_densities,
)
from oneshot_hpo.search_spaces.seed_noise import GOOD_SHARE

Array = NDArray[np.float64]

_LEAST_CELLS = 100  # cells used for the density, if the good share has fewer


def probability_of_best(means: np.ndarray, standard_error: float) -> np.ndarray:
    """For each of N cells the probability that its true error is the lowest, float (N,).

    means: float (N,), measured mean errors. standard_error: that of each mean, above 0. Cells are
    independent given the density of true errors.
    """
    # In standard errors above the lowest mean; equal means get equal probabilities.
    scaled = (means - means.min()) / standard_error
    densities = _posterior(scaled)
    near = scaled <= REACH
    values, place, counts = np.unique(
        np.round(scaled[near], 3), return_inverse=True, return_counts=True
    )

    grid = np.arange(densities.grid[0], min(densities.grid[-1], REACH + MARGIN), STEP)
    likelihood = np.exp(-0.5 * (values[:, None] - grid) ** 2)
    best = np.zeros(len(values))
    for density, weight in zip(densities.values, densities.weights, strict=True):
        prior = np.interp(grid, densities.grid, density)
        best += weight * _best_given(likelihood * prior, counts)
    found = np.zeros(len(means))
    found[near] = best[place]
    return found


def _best_given(posterior: Array, counts: NDArray[np.int64]) -> Array:
    """(V,) probabilities that a cell is the best, for `counts` (V,) cells per posterior (V, G)."""
    posterior = posterior / posterior.sum(1, keepdims=True)
    # Probability of a true error above each grid point, with half of its own share.
    above = np.flip(np.flip(posterior, 1).cumsum(1), 1) - posterior / 2
    logs = np.log(np.maximum(above, np.finfo(float).tiny))
    # If one cell has its error at a point, all the others are above it.
    others = np.exp(np.minimum(counts @ logs - logs, 0))
    best = (posterior * others).sum(1)
    chances: Array = best / (best @ counts)
    return chances


def _posterior(scaled: Array) -> Densities:
    """The densities that are likely given the means (N,) of good cells."""
    count = min(len(scaled), max(_LEAST_CELLS, round(GOOD_SHARE * len(scaled))))
    limit = max(REACH / 2, float(np.partition(scaled, count - 1)[count - 1]))
    step = max(2 * STEP, limit / MOST_POINTS)
    counts, edges = np.histogram(scaled[scaled <= limit], np.arange(0, limit + step, step))
    middles = (edges[1:] + edges[:-1]) / 2
    errors = np.ones(len(middles))
    return fit_densities(middles, errors, counts, limit=edges[-1], step=step)
