"""Tables of published benchmarks: one number, or several repeats, per column and entry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import Architecture
from oneshot_hpo.search_spaces.registry import spaces_of
from oneshot_hpo.search_spaces.space import EnumerableSpace, SearchSpace, enumerable
from oneshot_hpo.search_spaces.table import (
    COST,
    ERROR,
    LOSS,
    PROXY,
    SCORE,
    SPLITS,
    Metric,
    MissingCell,
    Table,
    TableError,
)

FORMAT = 1
"""Version of the file format."""
ENTRIES = "entries"
_KINDS = (ERROR, SCORE, LOSS, COST, PROXY)


@dataclass(frozen=True, eq=False)
class RecordedTable(Table):
    """Columns of numbers for the entries of one space, on one or several data sets.

    space: the space whose entries these are.
    entry_numbers: int32 (N,), the entries in the table, ascending: all E of the space or some of
        them. An entry is a configuration, or a unique cell, by the document's `entries`.
    columns: float64 (N, R) by "dataset.metric.budget", or "dataset.metric" for values that are the
        same at each budget (parameters). NaN where a repeat is absent.
    provenance: the file's document: name, space, data sets with their budgets and metrics, the
        origin of each column, and the source of the numbers.
    dataset_name: the data set that the table is opened for; `budgets` are its budgets.
    """

    space: EnumerableSpace
    family: str
    budgets: tuple[int, ...]
    provenance: Mapping[str, Any]
    entry_numbers: np.ndarray
    columns: Mapping[str, np.ndarray]
    dataset_name: str

    def __len__(self) -> int:
        return len(self.entry_numbers)

    @property
    def dataset(self) -> str:
        """The data set that the table is opened for."""
        return self.dataset_name

    @property
    def datasets(self) -> tuple[str, ...]:
        """All data sets of the file."""
        return tuple(self.provenance["datasets"])

    def on(self, dataset: str) -> RecordedTable:
        """This table, opened for one of its data sets. Raises TableError."""
        if dataset not in self.datasets:
            known = ", ".join(self.datasets)
            raise TableError(f"the table of {self.name} has data sets {known}, not {dataset!r}")
        return replace(self, dataset_name=dataset, budgets=_budgets(self.provenance, dataset))

    @property
    def part(self) -> str | None:
        """How many architectures of the space the table has, in words; None if all."""
        if len(self) == self._count:
            return None
        return f"a part, {len(self):,} of {self._count:,} architectures"

    @cached_property
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics on this data set."""
        described = self.provenance["datasets"][self.dataset_name]["metrics"]
        return {name: Metric(**fields) for name, fields in described.items()}

    @property
    def test_split(self) -> str:
        """test, or valid if no test values were recorded."""
        return "test" if any(name.startswith("test_") for name in self.metrics) else "valid"

    def main_metric(self, split: str) -> str:
        """The metric that ranks architectures: the first one recorded on a split.

        Without test values, validation values are used. Raises MissingCell.
        """
        recorded = self.test_split if split == "test" else split
        for name in self.metrics:
            if name.startswith(f"{recorded}_"):
                return name
        raise MissingCell(f"the table of {self.name} has no values of {split} images")

    def values(self, metric: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """All repeats, float (N, R), or (R,) of one row; NaN where a repeat is absent."""
        values: np.ndarray = self.columns[self._column(metric, budget)][rows]
        return values

    def seconds(self, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """Training times, float (N, R), or (R,) of one row; NaN if they are not recorded."""
        if "seconds" not in self.metrics:
            return np.full((*np.shape(rows), 1), np.nan)
        return super().seconds(rows, budget)

    def origin(self, metric: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """Where values come from, members of Origin: the same for a whole column."""
        code = self.provenance["origins"][self._column(metric, budget)]
        return np.full(np.shape(rows), code, np.uint8)

    def key(self, row: int) -> str:
        """The key of a row's architecture."""
        return self.space.key(self.architecture(row))

    def architecture(self, row: int) -> Architecture:
        """The architecture of a row."""
        number = int(self.entry_numbers[row])
        return self.space.architecture(
            int(self.space.unique.first[number]) if self._of_cells else number
        )

    def coverage(self, space: SearchSpace) -> int:
        """How many of a space's entries the table holds; 0 for a space of another family."""
        return len(self) if space.family == self.family else 0

    def entries(self, space: SearchSpace) -> np.ndarray:
        """The rows of all entries. Raises MissingCell unless all are present."""
        self.check_space(space)
        total = self._count
        if len(self) != total:
            first = np.flatnonzero(~np.isin(np.arange(total), self.entry_numbers))[0]
            lacking = f"{total - len(self):,} of {total:,} architectures, the first"
            raise self._missing(lacking, int(first))
        return self._rows

    def entry_of(self, space: SearchSpace) -> np.ndarray:
        """The entry of every configuration of a space, int (C,)."""
        self.check_space(space)
        return self.space.unique.of_configuration if self._of_cells else self._rows_of_all

    def row_of(self, space: SearchSpace, architecture: Architecture) -> int:
        """The row of one architecture of a space; raises MissingCell."""
        number = self.entry(space, architecture)
        row = int(np.searchsorted(self.entry_numbers, number))
        if row == len(self) or self.entry_numbers[row] != number:
            raise self._missing("the architecture", number)
        return row

    def stored(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The document and the arrays of its file (see `table_file`)."""
        return dict(self.provenance), {ENTRIES: self.entry_numbers, **self.columns}

    def recorded_values(self) -> int:
        """Number of recorded values on train, validation and test images, over all data sets."""
        counted = (name.split(".")[1].partition("_")[0] in SPLITS for name in self.columns)
        pairs = zip(counted, self.columns.values(), strict=True)
        return sum(int((~np.isnan(values)).sum()) for counts, values in pairs if counts)

    @property
    def _of_cells(self) -> bool:
        return self.provenance[ENTRIES] == "cells"

    @property
    def _count(self) -> int:
        return self.space.num_cells if self._of_cells else self.space.num_configurations

    @cached_property
    def _rows(self) -> np.ndarray:
        return np.arange(len(self))

    @cached_property
    def _rows_of_all(self) -> np.ndarray:
        return np.arange(self._count)

    def _column(self, metric: str, budget: int | None) -> str:
        """The name of a metric's column at a budget; raises MissingCell."""
        budget = self.budgets[self.column(budget)]
        if metric not in self.metrics:
            known = ", ".join(self.metrics)
            raise MissingCell(f"the table of {self.name} has no {metric}: it has {known}")
        name = column_name(self.dataset_name, metric, budget)
        if name not in self.columns:
            name = column_name(self.dataset_name, metric)
        if name not in self.columns:
            raise MissingCell(f"the table of {self.name} has no {metric} at {budget} epochs")
        return name

    def _missing(self, what: str, number: int) -> MissingCell:
        number = int(self.space.unique.first[number]) if self._of_cells else number
        text = self.space.text(self.space.architecture(number))
        return MissingCell(f"the table of {self.name} lacks {what} {text}")


def of_arrays(
    arrays: Mapping[str, np.ndarray],
    document: Mapping[str, Any],
    space: EnumerableSpace | None = None,
) -> RecordedTable:
    """The table of a file's arrays, as `RecordedTable.stored` gives them.

    space: None: the one that the document names. Raises TableError, without the file's name, unless
    they fit together.
    """
    if document["format"] != FORMAT:
        raise TableError(f"table format {document['format']} is not known here")
    columns = {name: array for name, array in arrays.items() if name in document["origins"]}
    dataset = next(iter(document["datasets"]))
    table = RecordedTable(
        space=_named_space(document) if space is None else space,
        family=str(document["family"]),
        budgets=_budgets(document, dataset),
        provenance=document,
        entry_numbers=arrays[ENTRIES],
        columns=columns,
        dataset_name=dataset,
    )
    _check(table)
    return table


def _named_space(document: Mapping[str, Any]) -> EnumerableSpace:
    """The space of a file's document; raises TableError for an unknown one."""
    name = document["space"]
    for space in spaces_of(str(document["family"])):
        if space.name == name:
            return enumerable(space)
    raise TableError(f"a table of the space {name!r}, which is not known here")


def _check(table: RecordedTable) -> None:
    """Raise TableError unless arrays and document fit together."""
    document, numbers = table.provenance, table.entry_numbers
    if numbers.dtype != np.int32 or numbers.ndim != 1 or not len(numbers):
        raise TableError(f"{ENTRIES} is not a list of numbers")
    if (np.diff(numbers) <= 0).any() or not 0 <= numbers[0] <= numbers[-1] < table._count:
        raise TableError(f"{ENTRIES} does not ascend within the space")
    for column, values in table.columns.items():
        if values.dtype != np.float64 or values.ndim != 2 or len(values) != len(numbers):
            raise TableError(f"{column} has shape {values.shape} of {values.dtype}")
    for dataset in document["datasets"]:
        opened = table.on(dataset)
        if any(metric.kind not in _KINDS for metric in opened.metrics.values()):
            raise TableError(f"{dataset} has a metric of an unknown kind")
        metric = opened.main_metric("valid")
        if not opened.budgets or not all(
            column_name(dataset, metric, budget) in table.columns for budget in opened.budgets
        ):
            raise TableError(f"{dataset} needs {metric} at each of its budgets")
    if set(table.columns) != set(document["origins"]):
        raise TableError("columns are missing")


def _budgets(document: Mapping[str, Any], dataset: str) -> tuple[int, ...]:
    return tuple(int(budget) for budget in document["datasets"][dataset]["budgets"])


def column_name(dataset: str, metric: str, budget: int | None = None) -> str:
    """The name of a metric's column; without a budget, that of a column for all budgets."""
    return f"{dataset}.{metric}" if budget is None else f"{dataset}.{metric}.{budget}"
