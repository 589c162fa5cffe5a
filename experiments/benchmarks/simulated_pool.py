"""A pool for studies of which only the master is of interest: trials are a formula."""

from __future__ import annotations

import heapq
import math
import time
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.worker import Worker
from oneshot_hpo.experiments.study.trial import TrialTask


class SimulatedPool:
    """Workers on a clock that jumps from the end of one trial to the end of the next."""

    patience_seconds = math.inf
    standing = ""

    def __init__(self, workers: int, seed: int) -> None:
        self.live_workers = workers
        self.spent = 0.0
        """Processor seconds that the simulation itself took; no master's."""
        self._random = np.random.default_rng(seed)
        self._now = 0.0
        self._running: list[tuple[float, int, str, TrialTask]] = []
        self._count = 0

    def __enter__(self) -> SimulatedPool:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing runs on."""

    @property
    def running(self) -> int:
        """Trials that were submitted: each is on a worker."""
        return len(self._running)

    def check(self) -> None:
        """There will always be workers."""

    def submit(
        self, key: str, _: Callable[..., Any], task: TrialTask, avoid: Sequence[Worker] = ()
    ) -> None:
        """A trial takes as long as its budget says, give or take a third."""
        start = time.process_time()
        end = self._now + task.budget * self._random.lognormal(sigma=0.3)
        self._count += 1
        heapq.heappush(self._running, (end, self._count, key, task))
        self.spent += time.process_time() - start

    def next_outcomes(self, timeout: float) -> list[Outcome]:
        """The next trial to end."""
        start = time.process_time()
        self._now, _, key, task = heapq.heappop(self._running)
        outcome = Outcome(key, instant_trial(task))
        self.spent += time.process_time() - start
        return [outcome]


def instant_trial(task: TrialTask) -> dict[str, Any]:
    """What a trial reports, by a formula with a best learning rate; one in fifty crashes.

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
