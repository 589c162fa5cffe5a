"""Results as rows of a Parquet file, one evaluation each; equal runs are equal bytes."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from oneshot_hpo.experiments.baselines.plan import BaselinePlan, Block
from oneshot_hpo.experiments.baselines.search import TableObjective, Trace
from oneshot_hpo.hpo.incumbent import incumbent_places
from oneshot_hpo.search_spaces import SpaceId
from oneshot_hpo.whole_files import whole_file, write_whole

SCHEMA = pa.schema(
    [
        ("method", pa.dictionary(pa.int8(), pa.string())),
        ("space", pa.int8()),
        ("repetition", pa.int32()),
        ("evaluation", pa.int32()),  # from 0
        ("budget", pa.int32()),
        ("evaluations_spent", pa.float64()),  # after it, in full evaluations
        ("simulated_seconds", pa.float64()),  # after it
        ("configuration", pa.int32()),  # its number in the space, loose ends included
        ("table_row", pa.int32()),  # the cell after pruning
        ("valid_error", pa.float64()),
        ("test_error", pa.float64()),
        ("incumbent_valid_error", pa.float64()),
        ("incumbent_test_error", pa.float64()),
    ]
)
PLAN_KEY = b"oneshot-hpo"
"""Under it the file's metadata hold the plan as JSON."""


def rows_of(plan: BaselinePlan, block: Block, trace: Trace, objective: TableObjective) -> pa.Table:
    """The rows of a block, by repetition and evaluation."""
    repetitions, evaluations = trace.losses.shape
    test_errors = objective.test_errors[trace.cells]
    incumbents = incumbent_places(trace.losses, trace.budgets)
    full = plan.problem(block.space).full

    def every(values: np.ndarray) -> np.ndarray:
        return np.broadcast_to(values, trace.losses.shape)

    columns = {
        "space": np.full(trace.losses.shape, block.space),
        "repetition": every(block.first + np.arange(repetitions)[:, None]),
        "evaluation": every(np.arange(evaluations)),
        "budget": every(trace.budgets),
        "evaluations_spent": every(np.cumsum(trace.budgets) / full),
        "simulated_seconds": np.cumsum(trace.seconds, axis=1),
        "configuration": trace.configurations,
        "table_row": objective.rows[trace.cells],
        "valid_error": trace.losses,
        "test_error": test_errors,
        "incumbent_valid_error": np.take_along_axis(trace.losses, incumbents, axis=1),
        "incumbent_test_error": np.take_along_axis(test_errors, incumbents, axis=1),
    }
    schema = schema_of(plan.spaces)
    names = pa.array([block.method] * trace.losses.size, pa.string()).dictionary_encode()
    arrays = [names.cast(SCHEMA.field("method").type)]
    arrays += [pa.array(columns[field.name].ravel(), field.type) for field in list(schema)[1:]]
    rows = pa.Table.from_arrays(arrays, schema=schema)
    return rows if trace.within.all() else rows.filter(pa.array(trace.within.ravel()))


def schema_of(spaces: Sequence[SpaceId]) -> pa.Schema:
    """SCHEMA; where a space has no number, with names of spaces."""
    if all(isinstance(space, int) for space in spaces):
        return SCHEMA
    place = SCHEMA.get_field_index("space")
    return SCHEMA.set(place, pa.field("space", pa.string()))


def write_part(path: Path, rows: pa.Table, seconds: float) -> None:
    """Write a block's rows, whole or not at all, with the processor seconds that they took."""
    noted = rows.replace_schema_metadata({"seconds": repr(seconds)})
    with whole_file(path) as file:
        pq.write_table(noted, file, compression="zstd")


def part_seconds(path: Path) -> float:
    """The seconds that write_part noted."""
    return float(pq.read_schema(path).metadata[b"seconds"])


def write_results(path: Path, plan: Mapping[str, Any], parts: Iterable[Path]) -> None:
    """Put parts together in their order, whole or not at all.

    A row group a part. No time, machine or path goes into it: equal plans give equal bytes.
    """
    schema = schema_of(plan["spaces"]).with_metadata({PLAN_KEY: json.dumps(plan)})

    with (
        whole_file(path) as file,
        pq.ParquetWriter(file, schema, compression="zstd") as writer,
    ):
        for part in parts:
            rows = pq.read_table(part).replace_schema_metadata(schema.metadata)
            writer.write_table(rows)


def write_json(path: Path, document: Mapping[str, Any]) -> None:
    """Write a JSON file, whole or not at all."""
    write_whole(path, (json.dumps(document, indent=1) + "\n").encode())
