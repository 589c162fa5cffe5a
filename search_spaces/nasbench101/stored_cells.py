"""Tables of NAS-Bench-101's cells from the arrays of their files, checked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.nasbench101.trained_cells import FORMAT, ORIGIN, TrainedCells
from oneshot_hpo.search_spaces.table import SPLITS, Runs, TableError


def of_arrays(arrays: Mapping[str, np.ndarray], document: Mapping[str, Any]) -> TrainedCells:
    """The table of a file's arrays, as `TrainedCells.stored` gives them.

    Raises TableError, without the file's name, unless they fit together.
    """
    if document["format"] != FORMAT:
        raise TableError(f"table format {document['format']} is not known here")

    halfway = _runs(arrays, "halfway_") if "halfway_seconds" in arrays else None
    table = TrainedCells(
        hashes=arrays["hashes"],
        graphs=arrays["graphs"],
        parameters=arrays["parameters"],
        budgets=tuple(int(budget) for budget in arrays["budgets"]),
        images={str(split): int(count) for split, count in document["images"].items()},
        final=_runs(arrays, ""),
        halfway=halfway,
        provenance=document,
        origins={
            name.removesuffix(ORIGIN): codes
            for name, codes in arrays.items()
            if name.endswith(ORIGIN)
        },
    )
    _check(table)
    return table


def _runs(arrays: Mapping[str, np.ndarray], prefix: str) -> Runs:
    hits = {
        split: arrays[f"{prefix}{split}_hits"]
        for split in SPLITS
        if f"{prefix}{split}_hits" in arrays
    }
    return Runs(hits=hits, seconds=arrays[f"{prefix}seconds"])


def _check(table: TrainedCells) -> None:
    """Raise TableError unless the arrays fit together."""
    cells, budgets = len(table), len(table.budgets)
    per_cell: dict[str, tuple[np.ndarray, type[np.generic], tuple[int, ...]]] = {
        "hashes": (table.hashes, np.uint8, (cells, 16)),
        "graphs": (table.graphs, np.uint32, (cells,)),
        "parameters": (table.parameters, np.int32, (cells,)),
    }

    shape = (cells, budgets, table.repeats)
    for prefix, runs in (("", table.final), ("halfway_", table.halfway)):
        if runs is not None:
            per_cell[f"{prefix}seconds"] = (runs.seconds, np.float32, shape)
            for split, hits in runs.hits.items():
                per_cell[f"{prefix}{split}_hits"] = (hits, np.uint16, shape)
    for metric, codes in table.origins.items():
        per_cell[f"{metric}{ORIGIN}"] = (codes, np.uint8, (cells, budgets))

    for name, (array, dtype, wanted) in per_cell.items():
        if array.dtype != dtype or array.shape != wanted:
            raise TableError(
                f"{name} has shape {array.shape} of {array.dtype}, not {wanted} of "
                f"{np.dtype(dtype)}"
            )

    sizes = table.images
    if not set(table.final.hits) <= set(sizes) <= set(SPLITS) or min(sizes.values()) < 1:
        raise TableError(f"images must give the number of images of {', '.join(SPLITS)}")
    if cells == 0 or budgets == 0 or not {"valid", "test"} <= set(table.final.hits):
        raise TableError("a table needs cells, budgets, validation and test hits")
    if not set(table.origins) <= set(table.metrics):
        known = ", ".join(table.metrics)
        raise TableError(f"it has origins of {', '.join(table.origins)}, but values of {known}")
