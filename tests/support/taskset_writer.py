"""Files of TaskSet with made-up curves, in the form of the published ones."""

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np

POINTS = 51
SHARED_VALUES = {
    "beta1": 0.9,
    "beta2": 0.999,
    "epsilon": 1e-8,
    "l1": 1e-8,
    "l2": 1e-8,
    "linear_decay": 1e-7,
    "exponential_decay": 1e-6,
}


def made_run(learning_rate: float) -> dict[str, Any]:
    """A run whose loss falls fastest at a rate of 1e-2, and diverges above 1."""
    away = abs(np.log10(learning_rate) + 2)
    curve = (0.7 - 0.6 * np.linspace(0, 1, POINTS) / (1 + away)).tolist()
    if learning_rate > 1:
        curve[10:] = [float("nan")] * (POINTS - 10)
    losses = {"loss": curve}
    return {
        "hp": {"learning_rate": learning_rate, **SHARED_VALUES},
        **{"train": losses, "valid": losses, "test": losses},
    }


def write_task(folder: Path, task: str, rates: list[float]) -> Path:
    """A task with a run for each learning rate, in a folder of data."""
    path = folder / "taskset" / f"{task}.json.gz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with gzip.open(path, "wt") as file:
        json.dump([made_run(rate) for rate in rates], file)
    return path
