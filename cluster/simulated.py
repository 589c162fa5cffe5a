"""A pool on a simulated clock: tasks take no real time, and end in the order of their durations."""

from __future__ import annotations

import heapq
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.worker import Worker


class SimulatedPool:
    """Workers on a clock that jumps from the end of one task to the end of the next.

    evaluate: computes the result of a task, instead of the submitted function. seconds: duration of
    a task on the clock, before log-normal noise with `sigma`.
    """

    patience_seconds = math.inf
    status = ""

    def __init__(
        self,
        workers: int,
        seed: int,
        evaluate: Callable[[Any], Any],
        seconds: Callable[[Any], float],
        sigma: float = 0.3,
    ) -> None:
        self.live_workers = workers
        self._evaluate, self._seconds = evaluate, seconds
        self.spent = 0.0
        """Processor seconds spent in the simulation itself, without the master's."""
        self.now = 0.0
        """The time on the clock, in seconds."""
        self.busy = 0.0
        """Seconds of all submitted tasks on the clock."""
        self._random, self._sigma = np.random.default_rng(seed), sigma
        self._running: list[tuple[float, int, str, Any]] = []
        self._began: dict[str, float] = {}
        self._count = 0
        self._given_up: list[Outcome] = []
        self.worked: dict[str, float] = {}
        """Seconds on the clock that workers spent on each task that ended or was given up."""

    def __enter__(self) -> SimulatedPool:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing to close."""

    @property
    def running(self) -> int:
        """Number of submitted tasks, each of which is on a worker."""
        return len(self._running)

    @property
    def busy_seconds(self) -> dict[str, float]:
        """Seconds on the clock that each running task has been on its worker, by key."""
        return {key: self.now - began for key, began in self._began.items()}

    def check(self) -> None:
        """Does nothing: there are always workers."""

    def submit(
        self, key: str, _: Callable[..., Any], task: Any, avoid: Sequence[Worker] = ()
    ) -> None:
        """Start a task, which has a worker at once."""
        start = time.process_time()
        duration = self._seconds(task) * self._random.lognormal(sigma=self._sigma)
        self.busy += duration
        self._count += 1
        heapq.heappush(self._running, (self.now + duration, self._count, key, task))
        self._began[key] = self.now
        self.spent += time.process_time() - start

    def give_up(self, key: str, reason: str) -> None:
        """Abandon a running task; its worker is free at once."""
        self._running = [one for one in self._running if one[2] != key]
        heapq.heapify(self._running)
        self._free(key)
        self._given_up.append(Outcome(key, failed=reason))

    def next_outcomes(self, timeout: float) -> list[Outcome]:
        """The tasks that were given up, or else the next one to end; none if none is running."""
        if self._given_up or not self._running:
            outcomes, self._given_up = self._given_up, []
            return outcomes
        start = time.process_time()
        self.now, _, key, task = heapq.heappop(self._running)
        self._free(key)
        outcome = Outcome(key, self._evaluate(task))
        self.spent += time.process_time() - start
        return [outcome]

    def _free(self, key: str) -> None:
        self.worked[key] = self.worked.get(key, 0.0) + self.now - self._began.pop(key)
