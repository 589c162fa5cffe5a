"""Random picks informed by a user's prior: PriorBand's ensemble of samplers.

Mallik et al. 2023, section 4. A pick is uniform, from the prior, or a neighbour of the best
configuration so far. The higher the rung on which a bracket starts, the fewer picks are uniform.
Prior and neighbours share the rest by how well each explains the best configurations so far, so
that a bad prior loses its share.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.hpo.bohb.prior_density import PriorDensity

Array = NDArray[np.float64]

PERTURBED = 0.5
"""The probability with which a neighbour differs from the best configuration in a dimension."""
NEIGHBOUR_WIDTH = 0.25
"""By how much, in the unit interval."""


class Evidence(NamedTuple):
    """What a study knows of its best configurations."""

    best: Array
    """(d,) the best configuration at the largest budget."""
    ranked: Array
    """(n, d) configurations at the largest budget that has eta of them, the best first."""


class Shares(NamedTuple):
    """Probabilities of the samplers."""

    uniform: float
    prior: float
    neighbours: float


def shares(
    rung: int, eta: float, prior: PriorDensity, levels: NDArray[np.int64], evidence: Evidence | None
) -> Shares:
    """The shares of picks for a bracket that starts on this rung, from 0; eta: of the brackets.

    evidence: None as long as no configuration was promoted to the largest budget.
    """
    uniform = 1 / (1 + eta**rung)
    if evidence is None:
        return Shares(uniform, 1 - uniform, 0.0)

    top = evidence.ranked[: max(1, int(len(evidence.ranked) / eta))]
    weights = np.arange(len(top), 0, -1.0)
    logs = np.array([prior.log_density(top), neighbourhood(evidence.best, levels).log_density(top)])
    scores = np.exp(logs - logs.max()) @ weights
    of_prior = float(scores[0] / scores.sum())
    return Shares(uniform, (1 - uniform) * of_prior, (1 - uniform) * (1 - of_prior))


def neighbourhood(best: Array, levels: NDArray[np.int64]) -> PriorDensity:
    """The density of neighbours of a configuration; an inactive dimension has a uniform one."""
    widths = np.where(np.isnan(best), np.inf, NEIGHBOUR_WIDTH)
    return PriorDensity(np.nan_to_num(best, nan=0.0), widths, levels)


def neighbour(best: Array, levels: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """A (d,) neighbour of a configuration."""
    drawn = neighbourhood(best, levels).draw(rng)
    moved = np.isnan(best) | (rng.random(len(best)) < PERTURBED)
    point: Array = np.where(moved, drawn, best)
    return point
