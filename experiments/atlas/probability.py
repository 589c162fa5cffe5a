"""The probability that a cell is the best of its space, given the noise of few repeats.

A seen mean is the true error and normal noise. True errors of good cells have a density that is
known up to three numbers (`_densities`). It is not the most likely ones that count, which take the
lowest means for what they seem, but all, each as likely as the means of the good cells make it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from oneshot_hpo.search_spaces.seed_noise import GOOD_SHARE

Array = NDArray[np.float64]

_LEAST_CELLS = 100  # whose means tell the density, where the good share is fewer
_REACH = 12.0  # a cell so many standard errors above the lowest mean is not the best one
_MARGIN = 4.0  # standard errors that a true error may be from the seen one
_STEP = 0.05  # of the grid of true errors, in standard errors
_MOST_POINTS = 400  # of the grid by which densities are weighed
_FLOORS, _SHAPES, _TILTS = 16, np.geomspace(0.5, 16, 9), np.linspace(-6, 12, 9)
_NEGLIGIBLE = 1e-3  # weight of a density, beside the largest, that changes nothing


class _Densities(NamedTuple):
    """D densities of true errors on a grid, in standard errors above the lowest mean."""

    grid: Array
    """(G,)"""
    values: Array
    """(D, G) up to a factor each."""
    weights: Array
    """(D,) posterior probabilities."""


def probability_of_best(means: np.ndarray, standard_error: float) -> np.ndarray:
    """For each of N cells the probability that its true error is the lowest, float (N,).

    means: float (N,), the mean errors seen. standard_error: of each of them, above 0. Cells are
    independent given the density of true errors.
    """
    # In standard errors above the lowest mean; equal means have equal probabilities.
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
    """(V,) chances of a cell to be the best, of `counts` (V,) cells for each posterior (V, G)."""
    posterior = posterior / posterior.sum(1, keepdims=True)
    # Chance of a true error above each point of the grid, half of the point's own share with it.
    above = np.flip(np.flip(posterior, 1).cumsum(1), 1) - posterior / 2
    logs = np.log(np.maximum(above, np.finfo(float).tiny))
    # Where one of many equal cells has its error at a point, all the others are above it.
    others = np.exp(np.minimum(counts @ logs - logs, 0))
    best = (posterior * others).sum(1)
    chances: Array = best / (best @ counts)
    return chances


def _posterior(scaled: Array) -> _Densities:
    """The densities that the means (N,) of good cells leave likely."""
    count = min(len(scaled), max(_LEAST_CELLS, round(GOOD_SHARE * len(scaled))))
    limit = max(_REACH / 2, float(np.partition(scaled, count - 1)[count - 1]))
    step = max(2 * _STEP, limit / _MOST_POINTS)
    counts, edges = np.histogram(scaled[scaled <= limit], np.arange(0, limit + step, step))
    middles = (edges[1:] + edges[:-1]) / 2
    limit = edges[-1]

    lowest = -max(2 * _MARGIN, limit / 2)
    grid = np.arange(lowest, limit + _MARGIN, step)
    values, prior = _densities(grid, lowest)
    # Of the cells that are seen below the limit, which is all that is looked at.
    values /= (values @ ndtr(limit - grid))[:, None]
    seen = values @ np.exp(-0.5 * (middles - grid[:, None]) ** 2)
    logs = np.log(np.maximum(seen, np.finfo(float).tiny)) @ counts + np.log(prior)

    weights = np.exp(logs - logs.max())
    kept = weights > _NEGLIGIBLE
    return _Densities(grid, values[kept], weights[kept] / weights[kept].sum())


def _densities(grid: Array, lowest: float) -> tuple[Array, Array]:
    """Densities (D, G), (t - floor)**(shape - 1) exp(-tilt t) above a floor; their prior (D,).

    From errors that crowd at a floor (shape below 1) to a tail that thins out towards it; t is
    measured in the way from the floor to the grid's end. Of floors the prior is flat, of shapes its
    logarithm is, and of tilts.
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
