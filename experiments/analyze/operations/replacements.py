"""What an operation does to a cell, all else equal: one is replaced by another everywhere.

The same question as in NAS-Bench-101 (Ying et al., 2019, section 4.2), for every cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from oneshot_hpo.experiments.analyze.operations.population import Population
from oneshot_hpo.search_spaces import OPERATIONS
from oneshot_hpo.search_spaces.nasbench101.graphs import isomorphism_keys


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
    adjacency, labels = population.unpacked
    keys = isomorphism_keys(adjacency, labels)
    order = np.argsort(keys)
    ordered = keys[order]
    found = []
    for one, other in combinations(range(len(OPERATIONS)), 2):
        gains = []
        for vertex in range(1, labels.shape[1] - 1):
            cells = np.flatnonzero(labels[:, vertex] == one)
            changed = labels[cells]
            changed[:, vertex] = other
            wanted = isomorphism_keys(adjacency[cells], changed)
            places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
            there = ordered[places] == wanted
            partner = population.errors[order[places[there]]]
            gains.append(partner - population.errors[cells[there]])
        gain = np.concatenate(gains)
        if not len(gain):
            continue
        names = (OPERATIONS[one], OPERATIONS[other])
        if gain.mean() < 0:
            names, gain = names[::-1], -gain
        found.append(Replacement(*names, gains=gain))
    return sorted(found, key=lambda pair: -pair.mean)
