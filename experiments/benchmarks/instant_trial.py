"""A trial that takes no time, for benchmarks of which only the master is of interest."""

from __future__ import annotations

import math
import zlib
from typing import Any

import numpy as np

from oneshot_hpo.experiments.study.trial import TrialTask


def instant_trial(task: TrialTask) -> dict[str, Any]:
    """A trial's result, by a formula with a best learning rate; one in fifty crashes.

    Noise follows from the trial's seed, and is less with more budget.
    """
    times = {"started": 0.0, "finished": 1.0, "search_seconds": 1.0}
    random = np.random.default_rng([task.seed, zlib.crc32(str(task.budget).encode())])
    if random.random() < 0.02:
        return {"loss": None, "info": {}, "exception": "diverged", "timestamps": times}
    rate = math.log10(task.config["learning_rate"]) + 1.5
    decay = math.log10(task.config["weight_decay"]) + 4
    error = 0.05 + 0.05 * rate**2 + 0.02 * decay**2 + 0.05 * task.config["cutout_prob"]
    error += 0.1 / task.budget + 0.02 * random.standard_normal()
    loss = float(min(1.0, max(0.0, error)))
    info = {"valid_error": loss, "test_error": loss, "test_regret": loss, "percentile": 50.0}
    return {"loss": loss, "info": info, "exception": None, "timestamps": times}
