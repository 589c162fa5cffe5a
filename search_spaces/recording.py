"""Builds a table of recorded numbers, column by column."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import Architecture
from oneshot_hpo.search_spaces.recorded_table import (
    ENTRIES,
    FORMAT,
    RecordedTable,
    column_name,
    of_arrays,
)
from oneshot_hpo.search_spaces.space import EnumerableSpace
from oneshot_hpo.search_spaces.table import COST, Metric, Origin, Runs


class Recording:
    """Collects the columns of a table, then makes the table."""

    def __init__(
        self, name: str, space: EnumerableSpace, entry_numbers: Sequence[int], *, of_cells: bool
    ) -> None:
        """entry_numbers: the entries of the rows of every column, distinct, in any order."""
        numbers = np.asarray(entry_numbers, np.int32)
        self._order = np.argsort(numbers)
        self.columns = {ENTRIES: numbers[self._order]}
        self._origins: dict[str, int] = {}
        self._datasets: dict[str, dict[str, Any]] = {}
        self._space = space
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
        self.columns[column] = values.reshape(len(self._order), -1)[self._order].astype(float)
        self._origins[column] = int(origin)

    def document(self) -> dict[str, Any]:
        """The document that describes the columns."""
        return self._document | {
            "family": self._space.family,
            "datasets": self._datasets,
            "origins": self._origins,
        }

    def table(self, source: Mapping[str, Any], notes: Sequence[str]) -> RecordedTable:
        """The table, opened for the first data set.

        source: facts about the source file. notes: caveats for readers of the numbers.
        """
        document = self.document() | {
            "source": dict(source),
            "notes": list(notes),
            "versions": {"oneshot-hpo": version("oneshot-hpo")},
            "date": time.strftime("%Y-%m-%d"),
        }
        return of_arrays(self.columns, document, self._space)


def errors(accuracies: np.ndarray) -> np.ndarray:
    """Errors in [0, 1] of accuracies in percent, without rounding noise of the subtraction."""
    return np.round((100 - accuracies) / 100, 12)


def of_architectures(
    space: EnumerableSpace,
    architectures: Sequence[Architecture],
    *,
    parameters: Sequence[int],
    budgets: tuple[int, ...],
    images: Mapping[str, int],
    final: Runs,
    provenance: Mapping[str, Any],
) -> RecordedTable:
    """The table of trained architectures, unique cells of a space (`table_file.table_of`)."""
    numbers = [space.cell_index(architecture) for architecture in architectures]
    recording = Recording(str(provenance["name"]), space, numbers, of_cells=True)
    dataset = str(provenance["dataset"])
    for split, hits in final.hits.items():
        for place, budget in enumerate(budgets):
            errors = (images[split] - hits[:, place].astype(np.int64)) / images[split]
            recording.add(dataset, f"{split}_error", Metric(), errors, budget)
    for place, budget in enumerate(budgets):
        metric = Metric("s", kind=COST)
        recording.add(dataset, "seconds", metric, final.seconds[:, place], budget)
    recording.add(dataset, "parameters", Metric(kind=COST), np.asarray(parameters))
    document = {"source": {}, "notes": [], **provenance, **recording.document()}
    return of_arrays(recording.columns, document, space)
