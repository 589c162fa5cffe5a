"""Write the file of a completed table of NAS-Bench-101, its numbers drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from oneshot_hpo.search_spaces import Cell
from oneshot_hpo.search_spaces.nasbench101.cell import labels_of

BUDGETS, REPEATS, METRICS = 4, 3, 4


def completed_arrays(cells: Sequence[Cell], seed: int = 0) -> dict[str, np.ndarray]:
    """The arrays of such a file; the first cell is measured throughout, the others are imputed."""
    random = np.random.default_rng(seed)
    count = len(cells)
    column = (BUDGETS, REPEATS, count)
    provenance = np.zeros((BUDGETS, METRICS, count), np.uint8)
    provenance[..., 0] = 0b1111
    whole = int((provenance[-1, -1] & 7 == 7).sum())
    return {
        "v": np.array([len(cell.matrix) for cell in cells], np.uint8),
        "bits": np.array([_edges(cell) for cell in cells], np.uint32),
        "lab": np.array([_labels(cell) for cell in cells], np.uint8),
        "params": random.integers(1, 1 << 20, count, np.int32),
        "val": random.integers(5_000, 9_000, column, np.uint16),
        "dtest": random.integers(-100, 100, column, np.int16),
        "dtrain": random.integers(0, 900, column, np.int16),
        "time_tenths": random.integers(1, 1 << 16, column, np.uint16),
        "prov": provenance,
        "real_time108": random.uniform(1_000, 2_000, (whole, REPEATS)).astype(np.float32),
        "one_time108": np.empty(0, np.float32),
        "low_rows": np.array([0]),
        "low_time": random.uniform(10, 99, (1, BUDGETS - 1, REPEATS)).astype(np.float32),
    }


def write_completed(path: Path, arrays: dict[str, np.ndarray]) -> Path:
    """The file, compressed."""
    np.savez_compressed(path, **arrays)
    return path


def _edges(cell: Cell) -> int:
    """Bit x + y (y - 1) / 2 for the edge from x to y."""
    vertices = range(len(cell.matrix))
    return sum(cell.matrix[x][y] << (x + y * (y - 1) // 2) for y in vertices for x in range(y))


def _labels(cell: Cell) -> int:
    """The operations as digits of base 3, the first one leading."""
    digits = "".join(map(str, labels_of(cell.operations)[1:-1]))
    return int(digits, 3) if digits else 0
