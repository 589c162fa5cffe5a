"""What google-research/nasbench knows of each module, made of a table row by row."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.table import METRICS, MissingCell, TrainedCells

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

    def keys(self) -> Iterator[str]:
        """All module hashes, ascending."""
        digits = self._table.hashes.tobytes().hex()
        return (digits[start : start + 32] for start in range(0, len(digits), 32))

    def row(self, module_hash: Any) -> int:
        """The row of a module; KeyError with the hash, as a dictionary raises it."""
        try:
            return self._table.row(module_hash)
        except MissingCell:
            raise KeyError(module_hash) from None

    def fixed(self, row: int) -> FixedStatistics:
        """By FIXED: adjacency, int8 (W, W), operations and number of parameters."""
        cell = self._table.cell(row)
        matrix = np.array(cell.matrix, np.int8)
        values = (matrix, list(cell.operations), int(self._table.parameters[row]))
        return dict(zip(FIXED, values, strict=True))

    def computed(self, row: int) -> ComputedStatistics:
        """By epochs, a dictionary for each repeat: four numbers halfway, four at the end."""
        recorded = [array[row].tolist() for array in self._recorded]
        train, valid, test = self._shares
        return {
            epochs: [
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
                ) in zip(*repeats, strict=True)
            ]
            for epochs, *repeats in zip(self._table.budgets, *recorded, strict=True)
        }

    @cached_property
    def _recorded(self) -> list[np.ndarray]:
        """Seconds, then hits of each metric, halfway and at the end: each (U, B, R)."""
        assert self._table.halfway is not None
        return [
            array
            for runs in (self._table.halfway, self._table.final)
            for array in (runs.seconds, *(runs.hits[metric] for metric in METRICS))
        ]

    @cached_property
    def _shares(self) -> list[list[float]]:
        """For each metric, the accuracy of each number of hits."""
        return [self._table.shares(metric).tolist() for metric in METRICS]
