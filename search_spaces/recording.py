"""Putting together a table of recorded numbers, column by column."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.recorded_table import (
    ENTRIES,
    FORMAT,
    RecordedTable,
    column_name,
    of_arrays,
)
from oneshot_hpo.search_spaces.space import EnumerableSpace
from oneshot_hpo.search_spaces.table import Metric, Origin


class Recording:
    """The columns of a table that is being put together, then the table."""

    def __init__(
        self, name: str, space: EnumerableSpace, entry_numbers: Sequence[int], *, of_cells: bool
    ) -> None:
        """entry_numbers: of the rows of all columns, no two equal, in any order."""
        numbers = np.asarray(entry_numbers, np.int32)
        self._order = np.argsort(numbers)
        self._columns = {ENTRIES: numbers[self._order]}
        self._origins: dict[str, int] = {}
        self._datasets: dict[str, dict[str, Any]] = {}
        self._family = space.family
        self._document = {
            "format": FORMAT,
            "name": name,
            "space": space.name,
            ENTRIES: "cells" if of_cells else "configurations",
        }

    def add(
        self,
        dataset: str,
        name: str,
        metric: Metric,
        values: np.ndarray,
        budget: int | None = None,
        origin: Origin = Origin.REAL,
    ) -> None:
        """Add a column, float (N,) or (N, R); without a budget it is the same at each.

        The first metric of a split is the one that ranks architectures.
        """
        described = self._datasets.setdefault(dataset, {"budgets": [], "metrics": {}})
        described["metrics"][name] = asdict(metric)
        if budget is not None:
            described["budgets"] = sorted({*described["budgets"], budget})
        column = column_name(dataset, name, budget)
        self._columns[column] = values.reshape(len(self._order), -1)[self._order].astype(float)
        self._origins[column] = int(origin)

    def table(self, source: Mapping[str, Any], notes: Sequence[str]) -> RecordedTable:
        """The table, opened for the first data set.

        source: the file, as text and numbers. notes: what a reader of the numbers has to know.
        """
        document = self._document | {
            "datasets": self._datasets,
            "origins": self._origins,
            "source": dict(source),
            "notes": list(notes),
            "versions": {"oneshot-hpo": version("oneshot-hpo")},
            "date": time.strftime("%Y-%m-%d"),
        }
        return of_arrays(self._columns, document | {"family": self._family})
