"""Problems of tables of trained architectures: a configuration is an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.experiments.benchmarks.optimizers.problem import Array, Problem
from oneshot_hpo.search_spaces import EnumerableSpace, SpaceId, Table, enumerable, get_space
from oneshot_hpo.search_spaces.nasbench101.completed_file import import_completed
from oneshot_hpo.search_spaces.nasbench201.csv_file import import_csv
from oneshot_hpo.search_spaces.table import mean_of


def architecture_problem(name: str, table: Table, space_id: SpaceId) -> Problem:
    """The problem of a table's cells of one space: validation errors, training times.

    Every configuration has its own row, so that a proposal is never moved.
    """
    space = enumerable(get_space(space_id))
    rows = table.entries(space)
    repeats = [table.errors("valid", rows, budget) for budget in table.budgets]
    seconds = [mean_of(table.seconds(rows, budget)) for budget in table.budgets]
    *_, before, last = table.budgets
    return Problem(
        name=name,
        space=space.configuration_space(),
        fidelities=tuple(table.budgets),
        eta=round(last / before),
        find_row=_Cell(space, table.entry_of(space)),
        losses=_stacked(repeats),
        costs=np.stack(seconds, axis=1),
        has_known_default=False,
    )


def nasbench201_file(path: Path) -> Table:
    """NAS-Bench-201 from its CSV file. Raises TableError, OSError."""
    return import_csv(path, lambda done, size: None)


def nasbench101_file(path: Path) -> Table:
    """NAS-Bench-101 from the completed table. Raises TableError, OSError."""
    return import_completed(path, lambda done, size: None)


class _Cell:
    """Finds the row of a configuration by its number."""

    def __init__(self, space: EnumerableSpace, entry_of: np.ndarray) -> None:
        self._space, self._entry_of = space, entry_of

    def __call__(self, config: Mapping[str, Any]) -> int:
        architecture = self._space.from_configuration(config)
        return int(self._entry_of[self._space.configuration(architecture)])


def _stacked(repeats: list[np.ndarray]) -> Array:
    """(N, F, R) from F arrays with up to R repeats, NaN where there are fewer."""
    most = max(each.shape[1] for each in repeats)
    filled = [
        np.pad(each, ((0, 0), (0, most - each.shape[1])), constant_values=np.nan)
        for each in repeats
    ]
    return np.stack(filled, axis=1)
