"""Write NAS-Bench-101's file format: the tests' own small files, whole or damaged on purpose."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces import Cell
from oneshot_hpo.search_spaces.nasbench101.record import ModelMetrics
from oneshot_hpo.search_spaces.nasbench101.tfrecord import masked_crc

IMAGES = 9_984


def frame(data: bytes) -> bytes:
    """A record with its length and checksums."""
    length = struct.pack("<Q", len(data))
    checksums = struct.pack("<I", masked_crc(length)), struct.pack("<I", masked_crc(data))
    return length + checksums[0] + data + checksums[1]


def metrics(
    epochs: int, parameters: int, halfway: Sequence[float], final: Sequence[float]
) -> bytes:
    """A ModelMetrics; halfway, final: train, validation, test accuracy, seconds."""
    message = ModelMetrics(trainable_parameters=parameters)
    message.evaluation_data.add(current_epoch=0.0, training_time=0.0)
    for epoch, values in ((epochs / 2, halfway), (epochs, final)):
        train, valid, test, seconds = values
        message.evaluation_data.add(
            current_epoch=epoch,
            training_time=seconds,
            train_accuracy=train,
            validation_accuracy=valid,
            test_accuracy=test,
        )
    encoded: bytes = message.SerializeToString()
    return encoded


def record(cell: Cell, budget: int, encoded_metrics: bytes, **changes: Any) -> bytes:
    """The JSON of one training; `changes` replace its fields (module_hash, epochs, ...)."""
    fields = {
        "module_hash": cell.hash,
        "epochs": budget,
        "adjacency": "".join(str(edge) for row in cell.matrix for edge in row),
        "operations": ",".join(cell.operations),
        "metrics": base64.b64encode(encoded_metrics).decode(),
    } | changes
    return json.dumps(list(fields.values())).encode()


def random_records(
    cells: Iterable[Cell], epochs: Sequence[int], rng: np.random.Generator
) -> list[bytes]:
    """Three trainings of each cell at each budget, their results drawn at random."""
    records = []
    for cell in cells:
        parameters = int(rng.integers(10**5, 10**7))
        for budget in epochs:
            for _ in range(3):
                shares = (rng.integers(IMAGES + 1, size=(2, 3)) / IMAGES).astype(np.float32)
                half = float(np.float32(rng.uniform(10, 1000)))
                values = [[*map(float, shares[0]), half], [*map(float, shares[1]), 2 * half]]
                records.append(record(cell, budget, metrics(budget, parameters, *values)))
    return records


def write_tfrecord(path: Path, records: Iterable[bytes]) -> None:
    """A file of these records."""
    path.write_bytes(b"".join(map(frame, records)))
