"""The lowest error of cells that use few of the operations."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

from oneshot_hpo.experiments.analyze.operations.population import Population

CLOSE = 2.0
"""Standard errors of the difference of two means within which a cell is close to the best."""


@dataclass(frozen=True)
class Subset:
    """The cells that use no other operations than these."""

    operations: tuple[str, ...]
    """Names of operations, one at least."""
    cells: int
    lowest_error: float
    """The lowest mean test error among them."""
    regret: float
    """How far it is above the lowest error of all cells."""
    close: bool | None
    """Whether seeds alone can explain the difference; None: the table has one seed."""


def subsets(population: Population) -> list[Subset]:
    """Every choice of operations that some cell keeps to, the smallest choices first."""
    found = []
    lowest, noise = population.errors.min(), population.difference_noise
    names = population.operations
    for size in range(1, len(names) + 1):
        for codes in combinations(range(len(names)), size):
            others = [code for code in range(len(names)) if code not in codes]
            members = population.counts.any(1) & ~population.counts[:, others].any(1)
            if not members.any():
                continue
            error = float(population.errors[members].min())
            found.append(
                Subset(
                    operations=tuple(names[code] for code in codes),
                    cells=int(members.sum()),
                    lowest_error=error,
                    regret=float(error - lowest),
                    close=None if noise is None else bool(error - lowest <= CLOSE * noise),
                )
            )
    return found


def smallest_close(found: list[Subset]) -> Subset | None:
    """The fewest operations that come close to the best; of as many, the best ones."""
    close = [one for one in found if one.close]
    return min(close, key=lambda one: (len(one.operations), one.regret), default=None)
