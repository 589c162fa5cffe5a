"""The effect of an operation, all else equal: one is replaced by another everywhere.

The same question as in NAS-Bench-101 (Ying et al., 2019, section 4.2), for every cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from oneshot_hpo.experiments.analyze.operations.population import Population


@dataclass(frozen=True, eq=False)
class Replacement:
    """Pairs of cells that differ in one operation at one place."""

    better: str
    """The operation that lowers the error in the mean; see `gains`."""
    worse: str
    """The other one."""
    gains: np.ndarray
    """Test errors with the worse one less those with the better one, float (P,)."""

    @property
    def mean(self) -> float:
        """The mean gain."""
        return float(self.gains.mean())

    @property
    def median(self) -> float:
        """The median gain."""
        return float(np.median(self.gains))

    @property
    def wins(self) -> float:
        """The share of pairs in which the better one is better; ties count half."""
        return float((self.gains > 0).mean() + (self.gains == 0).mean() / 2)


def replacements(population: Population) -> list[Replacement]:
    """Every pair of operations, the largest mean gain first.

    A cell counts once for each of its places, a pair without the other cell in the population not
    at all.
    """
    names = population.operations

    found = []
    for one, other in combinations(range(len(names)), 2):
        gains = []
        for place in range(population.labels.shape[1]):
            cells, partners = population.replaced(place, one, other)
            gains.append(population.errors[partners] - population.errors[cells])

        gain = np.concatenate(gains)
        if not len(gain):
            continue
        pair = (names[one], names[other])
        if gain.mean() < 0:
            pair, gain = pair[::-1], -gain
        found.append(Replacement(*pair, gains=gain))

    return sorted(found, key=lambda pair: -pair.mean)
