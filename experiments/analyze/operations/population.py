"""The cells that are analysed: of a search space, or all of a table."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oneshot_hpo.search_spaces import OPERATIONS, TrainedCells, get_space
from oneshot_hpo.search_spaces.nasbench101.graphs import unpack
from oneshot_hpo.search_spaces.seed_noise import seed_noise


@dataclass(frozen=True, eq=False)
class Population:
    """N cells after the table's largest budget. Errors are shares in [0, 1]."""

    table: str
    """What people call the table."""
    key: str
    """What files call these cells of it: "space1", "all"."""
    name: str
    """And people: "cells of space 1", "all cells"."""
    graphs: np.ndarray
    """The pruned cells, uint32 (N,), as `search_spaces.graphs.pack` writes them."""
    repeats: np.ndarray
    """Test errors of single trainings, float (N, R)."""
    errors: np.ndarray
    """Mean test errors, float (N,)."""

    def __len__(self) -> int:
        return len(self.graphs)

    @cached_property
    def unpacked(self) -> tuple[np.ndarray, np.ndarray]:
        """Adjacency bool (N, 7, 7) and labels int8 (N, 7); see `search_spaces.graphs`."""
        return unpack(self.graphs)

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each of OPERATIONS stands in a cell, int (N, 3)."""
        _, labels = self.unpacked
        return np.stack([(labels == code).sum(1) for code in range(len(OPERATIONS))], 1)

    @cached_property
    def difference_noise(self) -> float | None:
        """The standard error of the difference of two good cells' means; None: not known."""
        noise = seed_noise(self.repeats, self.errors)
        return None if noise is None else float(noise * np.sqrt(2 / self.repeats.shape[1]))

    def best(self, share: float) -> np.ndarray:
        """The cells with the lowest errors, one at least: bool (N,). share: of all, in [0, 1]."""
        count = max(1, round(share * len(self)))
        chosen = np.zeros(len(self), bool)
        chosen[np.argsort(self.errors, kind="stable")[:count]] = True
        return chosen


def of_space(table: TrainedCells, number: int) -> Population:
    """The unique cells of a search space. Raises MissingCell."""
    rows = table.entries(get_space(number))
    return _of_rows(table, f"space{number}", f"cells of space {number}", rows)


def of_table(table: TrainedCells) -> Population:
    """Every cell that a table holds."""
    return _of_rows(table, "all", "all cells", np.arange(len(table)))


def _of_rows(table: TrainedCells, key: str, name: str, rows: np.ndarray) -> Population:
    return Population(
        table=table.name,
        key=key,
        name=name,
        graphs=table.graphs[rows],
        repeats=table.test_errors(rows),
        errors=table.mean_errors("test", rows),
    )
