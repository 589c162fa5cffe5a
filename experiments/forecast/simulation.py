"""One study at simulated time: the real master's decisions on workers that take no real time.

The loop is that of `study.loop`: whenever a worker is free, a trial that lost its worker continues,
else the master is asked for the next one. `study.loop` itself writes a journal and builds tasks,
which takes a hundred times as long.
"""

from __future__ import annotations

import heapq
import math
from collections import deque
from dataclasses import dataclass
from itertools import count

import numpy as np

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.conditions import Conditions
from oneshot_hpo.experiments.forecast.course import Course
from oneshot_hpo.experiments.forecast.runs import Run, Source
from oneshot_hpo.experiments.forecast.stopping import Stopping

_FRUITLESS = 20
"""How often a trial may be interrupted in a row without progress; the loop of a study stops then,
too."""
_HOUR = 3600.0


@dataclass
class _Trial:
    """A run that has started."""

    run: Run
    seconds: float
    """Of an epoch."""
    epochs: float
    """Until it finishes or crashes."""
    crashes: bool
    beside: float = 0.0
    """Seconds of its present attempt beside its epochs."""
    saved: float = 0.0
    """Epochs from which it continues."""
    attempt: int = 0
    fruitless: int = 0


@dataclass
class _Worker:
    """A worker, from its start to its end."""

    start: float
    end: float
    dies: bool
    """Whether it ends without notice."""
    loading: float
    """Seconds that its next trial takes longer."""


class Simulation:
    """A pool of workers and a loop that keeps them busy, on a clock that jumps."""

    def __init__(
        self,
        source: Source,
        conditions: Conditions,
        random: np.random.Generator,
        epoch_seconds: float,
        stopping: Stopping | None = None,
    ) -> None:
        """epoch_seconds: the mean of this simulation, which `conditions.pace` knows roughly.

        stopping: the rules that may end it before every run has started.
        """
        self._source = source
        self._conditions = conditions
        self._random = random
        self._epoch_seconds = epoch_seconds
        self._stopping = stopping
        self._started = 0
        self._worked = 0.0
        """Seconds of the finished trials that a limit of GPU hours counts."""
        self._now = 0.0
        self._numbers = count()
        self._events: list[tuple[float, int, _Worker, _Trial | None, float]] = []
        self._free: list[_Worker] = []
        self._waiting: deque[_Trial] = deque()
        self._course = Course()

    def run(self) -> Course:
        """Work until every run has finished, or those that had started when a rule was reached.

        UserError: time limits leave no progress.
        """
        for _ in range(self._conditions.workers):
            self._queue_worker(0.0)
        while not self._finished:
            self._next_event()
            self._fill()
        running = [worker for _, _, worker, _, _ in self._events]
        for worker in (*self._free, *running):
            self._release(worker, min(worker.end, self._now))
        return self._course

    @property
    def _finished(self) -> bool:
        done = len(self._course.ends)
        return done == self._source.total or (self._is_stopped and done == self._started)

    @property
    def _is_stopped(self) -> bool:
        return self._course.stopped_by is not None

    # Workers

    def _queue_worker(self, time: float) -> None:
        """Another worker, which starts when its wait in the queue since `time` is over."""
        waits, pace = self._conditions.queue_waits, self._conditions.pace
        wait = waits[self._random.integers(len(waits))] if waits else 0.0
        start = time + wait
        end, dies = self._end(start)
        worker = _Worker(start, end, dies, pace.load_seconds)
        self._push(max(self._now, start + pace.start_seconds), worker, None)

    def _end(self, start: float) -> tuple[float, bool]:
        """When a worker ends, and whether without notice."""
        given = self._conditions
        ends = [(math.inf, False)]
        if given.time_limit is not None:
            ends.append((start + given.time_limit - given.notice, False))
        if given.preemptions:
            ends.append((start + self._random.exponential(_HOUR / given.preemptions), False))
        if given.losses:
            ends.append((start + self._random.exponential(_HOUR / given.losses), True))
        return min(ends)

    def _release(self, worker: _Worker, time: float) -> None:
        self._course.held += max(0.0, time - worker.start)

    # Events

    def _push(self, time: float, worker: _Worker, trial: _Trial | None) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), worker, trial, self._now))

    def _next_event(self) -> None:
        """A worker has started, or a trial on it has finished or was interrupted."""
        self._now, _, worker, trial, began = heapq.heappop(self._events)
        if trial is None:
            self._free.append(worker)
            return
        self._course.busy += self._now - began
        if self._now < worker.end:
            self._worked += trial.seconds * trial.epochs + self._conditions.pace.objective_seconds
            self._finish(trial)
            self._free.append(worker)
            return
        self._interrupt(trial, worker, self._now - began)
        self._release(worker, self._now)
        self._queue_worker(self._now)

    def _finish(self, trial: _Trial) -> None:
        self._course.ends.append(self._now)
        # Which configurations are promoted changes no time: all results are alike.
        self._source.tell(trial.run, None if trial.crashes else 0.0, self._course)

    def _interrupt(self, trial: _Trial, worker: _Worker, seconds: float) -> None:
        """A trial has lost its worker: it waits for another one, or counts as crashed."""
        self._course.interruptions += 1
        worked = max(0.0, seconds - trial.beside)
        reached = trial.saved + worked / trial.seconds
        kept = max(trial.saved, math.floor(reached)) if worker.dies else reached
        self._course.repeated += seconds - trial.seconds * (kept - trial.saved)

        trial.fruitless = trial.fruitless + 1 if kept == trial.saved else 0
        if trial.fruitless == _FRUITLESS:
            raise UserError(
                "trials make no progress: workers end before an epoch does; give them a longer "
                "time limit"
            )
        trial.saved = kept
        if worker.dies:
            trial.attempt += 1
        if trial.attempt == self._conditions.max_attempts:
            trial.crashes = True
            self._finish(trial)
        else:
            self._waiting.append(trial)

    # Trials

    def _fill(self) -> None:
        """Give every free worker a trial, as long as there is one."""
        while self._free:
            worker = self._free[-1]
            if worker.end <= self._now:  # it ended while it was idle
                self._free.pop()
                self._release(worker, worker.end)
                self._queue_worker(worker.end)
                continue
            trial = self._waiting.popleft() if self._waiting else self._new_trial()
            if trial is None:
                return
            self._free.pop()
            trial.beside = self._conditions.pace.trial_seconds + worker.loading
            worker.loading = 0.0
            left = trial.beside + trial.seconds * (trial.epochs - trial.saved)
            self._push(min(worker.end, self._now + left), worker, trial)

    def _new_trial(self) -> _Trial | None:
        self._check_rules()
        run = None if self._is_stopped else self._source.next_run()
        if run is None:
            return None
        self._started += 1
        self._note_pick()
        pace, own = self._conditions.pace, self._source.epochs(run)
        # The mean of the factor is 1.
        sigma = pace.trial_spread
        seconds = self._epoch_seconds * self._random.lognormal(-(sigma**2) / 2, sigma)
        crashes = bool(pace.crash_share) and self._random.random() < pace.crash_share
        epochs = own * self._random.random() if crashes else own
        return _Trial(run, seconds, epochs, crashes)

    def _check_rules(self) -> None:
        """Note the stop rule that is reached now, before a trial would start."""
        if self._stopping is None or self._is_stopped:
            return
        running = sum(self._now - began for *_, trial, began in self._events if trial is not None)
        worked = self._worked + running
        self._course.stopped_by = self._stopping.reached(self._started, worked, self._now)

    def _note_pick(self) -> None:
        place = self._source.first_model_pick
        if place is not None and self._course.first_model_pick is None:
            self._course.first_model_pick = (place, self._now)
