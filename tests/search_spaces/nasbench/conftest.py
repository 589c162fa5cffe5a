"""A small file of NAS-Bench-101's format, and what it says read by the tests' own few lines."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from support.tfrecord_writer import random_records, write_tfrecord

from oneshot_hpo.search_spaces import Cell, get_space
from oneshot_hpo.search_spaces.nasbench101.record import ModelMetrics

EPOCHS = (12, 108)


@dataclass
class Recorded:
    """cells: in the file's order. runs: by module hash and epochs, one dictionary a repeat."""

    path: Path
    cells: list[Cell]
    parameters: dict[str, int]
    runs: dict[str, dict[int, list[dict[str, float]]]]


@pytest.fixture(scope="session")
def recorded(tmp_path_factory) -> Recorded:
    cells = get_space(3).cells[5:50000:2500]
    records = random_records(cells, EPOCHS, np.random.default_rng(0))
    path = tmp_path_factory.mktemp("nasbench") / "small.tfrecord"
    write_tfrecord(path, records)
    parameters, runs = {}, {}
    for module_hash, epochs, _, _, encoded in map(json.loads, records):
        metrics = ModelMetrics.FromString(base64.b64decode(encoded))
        parameters[module_hash] = metrics.trainable_parameters
        run = {
            f"{point}_{name}": getattr(evaluation, name)
            for point, evaluation in zip(
                ("halfway", "final"), metrics.evaluation_data[1:], strict=True
            )
            for name in ("training_time", "train_accuracy", "validation_accuracy", "test_accuracy")
        }
        runs.setdefault(module_hash, {}).setdefault(epochs, []).append(run)
    return Recorded(path, cells, parameters, runs)
