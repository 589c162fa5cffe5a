"""The true losses behind noisy ones: empirical Bayes with a density of unknown shape.

Each measured loss is a true one plus normal noise. The density of the good ones' true losses has
three unknown parameters (`_candidates`). Results are averaged over their posterior: the single most
likely density would take very low losses at face value.

Numbers here are in units of the noise of a single measurement, above the lowest loss measured.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

Array = NDArray[np.float64]

REACH = 12.0
"""Above the lowest loss by more than this, a loss tells nothing of the best ones."""
MARGIN = 4.0
"""The largest distance of a true loss from a measured one."""
STEP = 0.05
"""Of grids of true losses, in standard errors."""
MOST_POINTS = 400
"""Of the grid on which densities are weighted."""

TILTS = np.linspace(-6, 12, 9)
"""How fast densities rise or fall, over the grid: those of tails."""
STEEP_TILTS = np.concatenate([TILTS, np.geomspace(18, 300, 7)])
"""With densities much narrower than the noise, of configurations that hardly differ."""

_FLOORS, _SHAPES = 16, np.geomspace(0.5, 16, 9)
_NEGLIGIBLE = 1e-3  # relative weight below which a density is left out


class Densities(NamedTuple):
    """D densities of true losses on a grid."""

    grid: Array
    """(G,)"""
    values: Array
    """(D, G) each up to a factor."""
    weights: Array
    """(D,) posterior probabilities."""


def fit_densities(
    losses: Array,
    errors: Array,
    counts: Array,
    *,
    limit: float,
    step: float,
    tilts: Array = TILTS,
) -> Densities:
    """The densities that are likely given P measured losses.

    losses: (P,), at most `limit`; those above it are taken to have been left out. errors: (P,)
    their standard errors; counts: (P,) how often each was measured; step: of the grid;
    tilts: of the densities.
    """
    lowest = -max(2 * MARGIN, limit / 2)
    grid = np.arange(lowest, limit + MARGIN, step)
    values, prior = _candidates(grid, lowest, tilts)

    seen = values @ likelihoods(losses, errors, grid).T
    # Normalized over losses below the limit, as only these are used.
    distinct, place = np.unique(errors, return_inverse=True)
    seen /= (values @ ndtr((limit - grid[:, None]) / distinct))[:, place]
    logs = np.log(np.maximum(seen, np.finfo(float).tiny)) @ counts + np.log(prior)

    weights = np.exp(logs - logs.max())
    kept = weights > _NEGLIGIBLE
    return Densities(grid, values[kept], weights[kept] / weights[kept].sum())


def likelihoods(losses: Array, errors: Array, grid: Array) -> Array:
    """(P, G) likelihoods of true losses on a grid, each row up to a factor."""
    likelihood: Array = np.exp(-0.5 * ((losses[:, None] - grid) / errors[:, None]) ** 2)
    return likelihood


def _candidates(grid: Array, lowest: float, tilts: Array) -> tuple[Array, Array]:
    """Densities (D, G), (t - floor)**(shape - 1) exp(-tilt t) above a floor; their prior (D,).

    They range from losses that crowd at a floor (shape below 1) to a tail that thins out towards
    it; t is the distance from the floor relative to the grid's end. The prior is flat in the floor,
    the logarithm of the shape, and in the index of the tilt.
    """
    near = np.linspace(-MARGIN, MARGIN - 0.5, _FLOORS)
    far = np.linspace(lowest, -MARGIN, 5)[:-1]
    floors = np.concatenate([far, near])
    shares = np.gradient(floors)

    values, prior = [], []
    for floor, share in zip(floors, shares, strict=True):
        way = (grid - floor) / (grid[-1] - floor)
        inside = way > 0
        logs = np.log(np.where(inside, way, 1.0))
        for shape in _SHAPES:
            for tilt in tilts:
                exponents = np.where(inside, (shape - 1) * logs - tilt * way, -np.inf)
                values.append(np.exp(exponents - exponents.max()))
                prior.append(share)
    return np.array(values), np.array(prior)
