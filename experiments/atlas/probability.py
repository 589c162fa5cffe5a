"""The probability that a cell is the best of its space, given the noise of few repeats.

Each measured mean is the true error plus normal noise. The density of good cells' true errors has
three unknown parameters (`_densities`). Results are averaged over their posterior: the single most
likely density would take very low means at face value.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from oneshot_hpo.search_spaces.seed_noise import GOOD_SHARE

Array = NDArray[np.float64]

_LEAST_CELLS = 100  # cells used for the density, if the good share has fewer
_REACH = 12.0  # standard errors above the lowest mean beyond which no cell is the best
_MARGIN = 4.0  # largest distance of a true error from its mean, in standard errors
_STEP = 0.05  # of the grid of true errors, in standard errors
_MOST_POINTS = 400  # of the grid on which densities are weighted
_FLOORS, _SHAPES, _TILTS = 16, np.geomspace(0.5, 16, 9), np.linspace(-6, 12, 9)
_NEGLIGIBLE = 1e-3  # relative weight below which a density is left out


class _Densities(NamedTuple):
    """D densities of true errors on a grid, in standard errors above the lowest mean."""

    grid: Array
    """(G,)"""
    values: Array
    """(D, G) each up to a factor."""
    weights: Array
    """(D,) posterior probabilities."""


def probability_of_best(means: np.ndarray, standard_error: float) -> np.ndarray:
    """For each of N cells the probability that its true error is the lowest, float (N,).

    means: float (N,), measured mean errors. standard_error: that of each mean, above 0. Cells are
    independent given the density of true errors.
    """
    # In standard errors above the lowest mean; equal means get equal probabilities.
    scaled = (means - means.min()) / standard_error
    densities = _posterior(scaled)
    near = scaled <= _REACH
    values, place, counts = np.unique(
        np.round(scaled[near], 3), return_inverse=True, return_counts=True
    )

    grid = np.arange(densities.grid[0], min(densities.grid[-1], _REACH + _MARGIN), _STEP)
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


def _posterior(scaled: Array) -> _Densities:
    """The densities that are likely given the means (N,) of good cells."""
    count = min(len(scaled), max(_LEAST_CELLS, round(GOOD_SHARE * len(scaled))))
    limit = max(_REACH / 2, float(np.partition(scaled, count - 1)[count - 1]))
    step = max(2 * _STEP, limit / _MOST_POINTS)
    counts, edges = np.histogram(scaled[scaled <= limit], np.arange(0, limit + step, step))
    middles = (edges[1:] + edges[:-1]) / 2
    limit = edges[-1]

    lowest = -max(2 * _MARGIN, limit / 2)
    grid = np.arange(lowest, limit + _MARGIN, step)
    values, prior = _densities(grid, lowest)
    # Normalized over cells with means below the limit, as only these are used.
    values /= (values @ ndtr(limit - grid))[:, None]
    seen = values @ np.exp(-0.5 * (middles - grid[:, None]) ** 2)
    logs = np.log(np.maximum(seen, np.finfo(float).tiny)) @ counts + np.log(prior)

    weights = np.exp(logs - logs.max())
    kept = weights > _NEGLIGIBLE
    return _Densities(grid, values[kept], weights[kept] / weights[kept].sum())


def _densities(grid: Array, lowest: float) -> tuple[Array, Array]:
    """Densities (D, G), (t - floor)**(shape - 1) exp(-tilt t) above a floor; their prior (D,).

    They range from errors that crowd at a floor (shape below 1) to a tail that thins out towards
    it; t is the distance from the floor relative to the grid's end. The prior is flat in the floor,
    the logarithm of the shape, and in the tilt.
    """
    near = np.linspace(-_MARGIN, _MARGIN - 0.5, _FLOORS)
    far = np.linspace(lowest, -_MARGIN, 5)[:-1]
    floors = np.concatenate([far, near])
    shares = np.gradient(floors)

    values, prior = [], []
    for floor, share in zip(floors, shares, strict=True):
        way = (grid - floor) / (grid[-1] - floor)
        inside = way > 0
        logs = np.log(np.where(inside, way, 1.0))
        for shape in _SHAPES:
            for tilt in _TILTS:
                exponents = np.where(inside, (shape - 1) * logs - tilt * way, -np.inf)
                values.append(np.exp(exponents - exponents.max()))
                prior.append(share)
    return np.array(values), np.array(prior)
