"""The statistics that google-research/nasbench has of each module, made from rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.nasbench101.graphs import (
    unpack_cell,
    without_edges,
    without_operations,
)
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells
from oneshot_hpo.search_spaces.table import SPLITS, MissingCell

FixedStatistics = dict[str, Any]
ComputedStatistics = dict[int, list[dict[str, float]]]

FIXED = ("module_adjacency", "module_operations", "trainable_parameters")
"""The names of what does not depend on a training."""
MEASURED = ("training_time", "train_accuracy", "validation_accuracy", "test_accuracy")
"""The names of what was measured, halfway and at the end: seconds and fractions."""


class TableRows:
    """The rows of a table by module hash, and the statistics of each."""

    def __init__(self, table: TrainedCells) -> None:
        self._table = table

    def __len__(self) -> int:
        return len(self._table)

    def __deepcopy__(self, memo: Any) -> TableRows:
        return self  # nothing in it changes

    def __reduce__(self) -> tuple[Any, ...]:
        return TableRows, (self._table,)

    def keys(self, rows: range | None = None) -> Iterator[str]:
        """The module hashes of these rows, or of all, ascending."""
        hashes = self._table.hashes
        digits = (hashes if rows is None else hashes[rows.start : rows.stop]).tobytes().hex()
        return (digits[start : start + 32] for start in range(0, len(digits), 32))

    def row(self, module_hash: Any) -> int:
        """The row of a module; KeyError with the hash, as a dictionary raises it."""
        try:
            return self._table.row(module_hash)
        except MissingCell:
            raise KeyError(module_hash) from None

    def fixed(self, rows: range) -> list[FixedStatistics]:
        """Fixed statistics by row: adjacency int8 (W, W), operations, number of parameters."""
        part = slice(rows.start, rows.stop)
        graphs, parameters = self._described
        return [
            {
                "module_adjacency": _matrix(without_operations(code)).copy(),
                "module_operations": list(_operations(without_edges(code))),
                "trainable_parameters": count,
            }
            for code, count in zip(graphs[part].tolist(), parameters[part].tolist(), strict=True)
        ]

    def computed(self, rows: range) -> list[ComputedStatistics]:
        """By row and epochs, one dictionary per repeat: four numbers halfway, four at the end."""
        trainings = self._trainings(rows)
        count = len(trainings) // len(rows)
        cells = [trainings[start : start + count] for start in range(0, len(trainings), count)]
        return [{epochs: cell[part] for epochs, part in self._repeats} for cell in cells]

    def _trainings(self, rows: range) -> list[dict[str, float]]:
        """All trainings of these rows, budget by budget and repeat by repeat."""
        each = len(self._table.budgets) * self._table.repeats
        part = slice(rows.start * each, rows.stop * each)

        train, valid, test = self._shares

        return [
            {
                "halfway_training_time": half_seconds,
                "halfway_train_accuracy": train[half_train],
                "halfway_validation_accuracy": valid[half_valid],
                "halfway_test_accuracy": test[half_test],
                "final_training_time": seconds,
                "final_train_accuracy": train[final_train],
                "final_validation_accuracy": valid[final_valid],
                "final_test_accuracy": test[final_test],
            }
            for (
                half_seconds,
                half_train,
                half_valid,
                half_test,
                seconds,
                final_train,
                final_valid,
                final_test,
            ) in zip(*[numbers[part].tolist() for numbers in self._recorded], strict=True)
        ]

    @cached_property
    def _repeats(self) -> list[tuple[int, slice]]:
        """Each number of epochs, and which of a cell's trainings have it."""
        count = self._table.repeats
        return [
            (epochs, slice(place * count, (place + 1) * count))
            for place, epochs in enumerate(self._table.budgets)
        ]

    @cached_property
    def _described(self) -> tuple[memoryview, memoryview]:
        """Packed graphs and numbers of parameters, each (U,)."""
        return self._table.graphs.data, self._table.parameters.data

    # Of a few numbers, a memoryview makes Python's in less time than an array.
    @cached_property
    def _recorded(self) -> list[memoryview]:
        """Seconds, then hits of each metric, halfway and at the end: each flat, U * B * R."""
        assert self._table.halfway is not None
        return [
            array.reshape(-1).data
            for runs in (self._table.halfway, self._table.final)
            for array in (runs.seconds, *(runs.hits[metric] for metric in SPLITS))
        ]

    @cached_property
    def _shares(self) -> list[list[float]]:
        """For each metric, the accuracy of each number of hits."""
        by_images: dict[int, list[float]] = {}  # of NAS-Bench-101's metrics all have as many
        for metric in SPLITS:
            if (images := self._table.images[metric]) not in by_images:
                by_images[images] = self._table.shares(metric).tolist()
        return [by_images[self._table.images[metric]] for metric in SPLITS]


# Many cells share their matrix, and many their operations.
@cache
def _matrix(code: int) -> np.ndarray:
    """The adjacency of a packed cell, int8 (W, W), read-only."""
    matrix = np.array(unpack_cell(code).matrix, np.int8)
    matrix.flags.writeable = False
    return matrix


@cache
def _operations(code: int) -> tuple[str, ...]:
    """The operations of a packed cell."""
    return unpack_cell(code).operations
