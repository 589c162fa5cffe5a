"""Which operations, and how many of each, the best cells have more often than all cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from oneshot_hpo.experiments.analyze.operations.population import Population

_LEAST = 5  # of a chi-squared test


@dataclass(frozen=True)
class Enrichment:
    """Cells with something in common, among the best cells and among all."""

    counts: tuple[int | None, ...]
    """How often each operation occurs in them; None: any number of times."""
    cells: int
    """The number of these cells."""
    share: float
    """Their share of all cells."""
    share_of_best: float
    """Their share of the best cells."""
    lowest_error: float
    """The lowest mean test error among them."""

    @property
    def lift(self) -> float:
        """How much more frequent they are among the best, as a ratio."""
        return self.share_of_best / self.share


def by_operation(population: Population, best: np.ndarray) -> list[Enrichment]:
    """Cells by the number of one operation, for each of them; best: bool (N,)."""
    found = []
    for code in range(len(population.operations)):
        for count in range(int(population.counts[:, code].max()) + 1):
            members = population.counts[:, code] == count
            if members.any():
                wanted = [None] * len(population.operations)
                found.append(
                    _enrichment(
                        population, best, members, (*wanted[:code], count, *wanted[code + 1 :])
                    )
                )
    return found


def by_combination(population: Population, best: np.ndarray) -> list[Enrichment]:
    """Cells by the numbers of all operations, the most frequent among the best first."""
    combinations, place = np.unique(population.counts, axis=0, return_inverse=True)
    found = [
        _enrichment(population, best, place == number, tuple(counts.tolist()))
        for number, counts in enumerate(combinations)
    ]
    return sorted(found, key=lambda one: (-one.share_of_best, one.lowest_error))


def differ(combinations: Sequence[Enrichment], best: int) -> float | None:
    """The p-value of a chi-squared test that shares of `best` cells differ by chance alone.

    Combinations of which fewer than _LEAST are expected are taken together. None: that leaves none
    to compare.
    """
    of_best = np.array([one.share_of_best * best for one in combinations])
    others = np.array([one.cells for one in combinations]) - of_best
    share = of_best.sum() / (of_best.sum() + others.sum())
    expected = (of_best + others) * min(share, 1 - share)
    rare = expected < _LEAST
    table = np.array([[*counts[~rare], counts[rare].sum()] for counts in (of_best, others)])
    table = table[:, table.sum(0) * min(share, 1 - share) >= _LEAST]
    return float(stats.chi2_contingency(table).pvalue) if table.shape[1] > 1 else None


def _enrichment(
    population: Population, best: np.ndarray, members: np.ndarray, counts: tuple[int | None, ...]
) -> Enrichment:
    return Enrichment(
        counts=counts,
        cells=int(members.sum()),
        share=float(members.mean()),
        share_of_best=float(members[best].mean()),
        lowest_error=float(population.errors[members].min()),
    )
