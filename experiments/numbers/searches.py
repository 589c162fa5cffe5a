"""One search epoch by epoch: its one-shot error, and the table's word on the cell of each epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.search_spaces import Architecture, SearchSpace, TrainedCells, get_space, load_table
from oneshot_hpo.search_spaces.table import Best
from oneshot_hpo.searchers.checkpoint import METRICS, read_metrics

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Search:
    """A search of E epochs; errors are shares in [0, 1]."""

    one_shot_error: Array
    """(E,) validation error of the supernet after each epoch."""
    valid_error: Array
    """(E,) validation error of the cell that it would end with, by the table; not a number where
    the searcher compares architectures only after the last epoch."""
    test_error: Array
    """(E,) its test error, likewise."""
    seconds: Array
    """(E,) that each epoch took."""

    @property
    def epochs(self) -> Array:
        """(E,) 1, 2, ..."""
        return np.arange(1, len(self.seconds) + 1, dtype=float)


class CellErrors:
    """A table's mean errors of the cells of a space, each looked up once."""

    def __init__(self, source: str, space: int) -> None:
        """`source` is the name or path of a table. TableError: it cannot be read."""
        self.table: TrainedCells = load_table(source)
        self.space: SearchSpace = get_space(space)
        self._found: dict[Architecture, tuple[float, float]] = {}

    @cached_property
    def best(self) -> Best:
        """The lowest mean errors of the complete space."""
        return self.table.best(self.space)

    def errors(self, architecture: Mapping[str, Any]) -> tuple[float, float]:
        """Mean validation and test error of an architecture after the largest budget."""
        key = Architecture.from_dict(architecture)
        if key not in self._found:
            entry = self.table.query(self.space.cell(key))
            self._found[key] = entry.valid_error, entry.test_error
        return self._found[key]


def read_search(folder: Path, cells: CellErrors, result: TrialResult | None = None) -> Search:
    """The search in a trial's folder; none of its epochs if they are not there.

    result: how it ended, which tells the errors of the last cell. UserError: the file is damaged.
    """
    try:
        records = read_metrics(folder)
        one_shot = np.array([record["valid_error"] for record in records], float)
        seconds = np.array([record["time"] for record in records], float)
        architectures = [record["architecture"] for record in records]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder / METRICS} is damaged ({error})") from None
    unknown = (np.nan, np.nan)
    of_table = [unknown if one is None else cells.errors(one) for one in architectures]
    if records and result is not None and not result.crashed:
        of_table[-1] = result.info["valid_error"], result.info["test_error"]
    valid, test = np.array(of_table, float).reshape(-1, 2).T
    return Search(one_shot, valid, test, seconds)
