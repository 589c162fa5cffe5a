"""A search of a moment with the smallest supernet, as a worker runs it, and what it ends with."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.datasets import load_digits

from oneshot_hpo.experiments.cli.exit_codes import STOPPED
from oneshot_hpo.experiments.errors import one_line
from oneshot_hpo.experiments.study.trial import TrialTask, finished_result, run_trial
from oneshot_hpo.searchers.checkpoint import ARCHITECTURE, read_metrics

EPOCHS = 2
IMAGES = 120
"""The number of scikit-learn's digits used by a search."""
_SMALLEST: dict[str, Any] = {
    "channels": 2,
    "stacks": 2,
    "cells_per_stack": 1,
    "batch_size": 16,
    "cutout_prob": 0.5,
    "cutout_length": 3,
}
_SMALLEST_OF: dict[str, dict[str, Any]] = {
    "pc_darts": {"partial_channels": 2},
    "random_ws": {"ranked_cells": 10, "ranked_batches": 1},
    "single_path": {
        "population": 4,
        "generations": 2,
        "survivors": 2,
        "recalibration_images": 16,
    },
    "enas": {"sampled_cells": 5},
}


def write_digits(path: Path) -> Path:
    """A data set of the first IMAGES digits."""
    digits = load_digits()
    images = (digits.images[:IMAGES, ..., None] * 15).astype(np.uint8)
    np.savez(path, images=images, labels=digits.target[:IMAGES])
    return path


def search(searcher: str, dataset: Path, folder: Path) -> int:
    """Run or resume the trial; an OSError stops it with a line, as it stops a study."""
    settings = _SMALLEST | _SMALLEST_OF.get(searcher, {})
    try:
        run_trial(
            TrialTask(
                searcher=searcher,
                settings=settings,
                config={},
                space=1,
                dataset=str(dataset),
                table="digits",
                budget=EPOCHS,
                seed=7,
                folder=folder,
            )
        )
    except OSError as error:
        print(f"error: {one_line(error)}", file=sys.stderr)
        return STOPPED
    return 0


def found(folder: Path) -> list[Any]:
    """All that a trial leaves but for times: result, metrics of each epoch, architecture."""
    result = finished_result(folder)
    assert result is not None
    del result["timestamps"]
    rows = read_metrics(folder)
    for row in rows:
        del row["time"]
        row.pop("processor_time", None)
    return [result, rows, json.loads((folder / ARCHITECTURE).read_bytes())]
