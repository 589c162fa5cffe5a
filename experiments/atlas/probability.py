"""The probability that a cell is the best of its space, given the noise of few repeats."""

from __future__ import annotations

import numpy as np

_REACH = 12.0  # a cell so many standard errors above the lowest mean is not the best one
_STEP = 0.05  # of the grid of true errors, in standard errors
_SPACING = 0.25  # of the components of the prior, in standard errors
_WIDTH = 0.5  # their standard deviation, in standard errors
_ROUNDS = 100  # of expectation and maximisation


def probability_of_best(means: np.ndarray, standard_error: float) -> np.ndarray:
    """For each of N cells the probability that its true error is the lowest, float (N,).

    means: float (N,), the mean errors seen. standard_error: of each of them, above 0.

    Empirical Bayes: a seen mean is the true error and normal noise; true errors come from a
    mixture of normal components on a grid, whose weights are the most likely ones for all means
    together (Stephens, 2017, Biostatistics 18, 275). So a mean that is low among many is taken for
    partly luck. Cells are independent given that prior.
    """
    # In standard errors above the lowest mean; equal means have equal probabilities.
    scaled = (means - means.min()) / standard_error
    values, place, counts = np.unique(scaled, return_inverse=True, return_counts=True)
    near = values <= _REACH
    values, counts = values[near], counts[near]
    grid = np.arange(-4, _REACH + 4, _STEP)
    posterior = _normal(values[:, None] - grid, 1.0) * _prior(values, counts, grid)
    posterior /= posterior.sum(1, keepdims=True)
    # Chance of a true error above each point of the grid, half of the point's own share with it.
    above = np.flip(np.flip(posterior, 1).cumsum(1), 1) - posterior / 2
    logs = np.log(np.maximum(above, np.finfo(float).tiny))
    # Where one of many equal cells has its error at a point, all the others are above it.
    others = np.exp(np.minimum(counts @ logs - logs, 0))
    best = (posterior * others).sum(1)
    found = np.zeros(len(near))
    found[near] = best / (best @ counts)
    return found[place]


def _prior(values: np.ndarray, counts: np.ndarray, grid: np.ndarray) -> np.ndarray:
    """The density of true errors at the points of a grid, up to a factor."""
    centres = np.arange(grid[0], grid[-1], _SPACING)
    fit = _normal(values[:, None] - centres, np.hypot(1.0, _WIDTH))
    weights = np.full(len(centres), 1 / len(centres))
    for _ in range(_ROUNDS):
        share = fit * weights
        share /= share.sum(1, keepdims=True)
        weights = counts @ share / counts.sum()
    density: np.ndarray = _normal(grid[:, None] - centres, _WIDTH) @ weights
    return density


def _normal(x: np.ndarray, deviation: float) -> np.ndarray:
    return np.exp(-0.5 * (x / deviation) ** 2) / deviation
