"""The loop of a study: ask, submit, wait, tell, until it is finished or stopped."""

from __future__ import annotations

import contextlib
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import Protocol

from cluster.local import LocalPool
from cluster.pool import DaskPool, Outcome, PoolError
from experiments import machine
from experiments.errors import StudyStopped, one_line
from experiments.study_file import StudySpec
from experiments.trial import TrialTask, run_trial
from hpo import Study, Trial, TrialResult

POLL_SECONDS = 0.25
"""How often the loop looks up from waiting, at signals and the display."""
NO_WORKER_SECONDS = 60.0
"""How long a study waits for a worker when there is none left."""


class Display(Protocol):
    """Shows how a study stands."""

    def update(self, study: Study, running: int) -> None:
        """Called several times a second; `running` trials are on workers."""


class Interrupted(KeyboardInterrupt):
    """A signal, SIGINT or SIGTERM, asked the study to stop; its journal is in order."""


class StudyRun:
    """One master's work on a study, which may have been begun by an earlier one."""

    def __init__(self, study: Study, spec: StudySpec, folder: Path, display: Display) -> None:
        self._study = study
        self._spec = spec
        self._folder = folder
        self._display = display
        self._in_flight: dict[str, tuple[Trial, float]] = {}

    def run(self, workers: int) -> None:
        """Work on the study until it is finished.

        Interrupted: SIGINT or SIGTERM came. StudyStopped: it cannot go on here, say because the
        disk is full. Either way the study can be resumed, and workers have ended.
        """
        assert self._spec.cluster.threads is not None
        with _stop_signals() as stopping:
            try:
                pool = LocalPool(
                    workers=workers,
                    threads=self._spec.cluster.threads,
                    gpus=machine.gpus(),
                    scratch=self._folder / "logs",
                )
            except PoolError as error:
                raise StudyStopped(one_line(error)) from error
            with pool:
                self._loop(pool, workers, stopping)

    def _loop(self, pool: DaskPool, workers: int, stopping: list[int]) -> None:
        # Trials that an earlier master had asked for come first, in the order of asking.
        pending = list(reversed(self._study.pending))
        last_seen_alive = time.monotonic()
        while not self._study.finished:
            if stopping:
                raise Interrupted
            # A worker that is free is the only reason to ask: the later BOHB decides, the more
            # it knows. With one worker it makes the order of decisions certain.
            while len(self._in_flight) < min(workers, pool.live_workers):
                trial = pending.pop() if pending else self._study.ask()
                if trial is None:
                    break
                self._submit(pool, trial)
            self._display.update(self._study, len(self._in_flight))
            for outcome in pool.next_outcomes(POLL_SECONDS):
                self._settle(pool, outcome)

            if pool.live_workers:
                last_seen_alive = time.monotonic()
            elif time.monotonic() - last_seen_alive > NO_WORKER_SECONDS:
                raise StudyStopped(
                    f"no worker has been alive for {NO_WORKER_SECONDS:.0f} s; see "
                    f"{self._folder / 'logs'}"
                )
        self._display.update(self._study, 0)

    def _submit(self, pool: DaskPool, trial: Trial) -> None:
        task = TrialTask(
            searcher=self._spec.searcher,
            settings=self._spec.search_settings,
            config=trial.config,
            space=self._spec.space,
            dataset=self._spec.dataset,
            table=self._spec.table,
            budget=trial.budget,
            seed=trial.seed,
            objective=self._spec.objective,
            folder=self._folder / "trials" / trial.key,
        )
        self._in_flight[trial.key] = (trial, time.time())
        pool.submit(trial.key, run_trial, task)

    def _settle(self, pool: DaskPool, outcome: Outcome) -> None:
        """A result and a crash are told; a loss is tried again; what is left stops the study."""
        trial, submitted = self._in_flight.pop(outcome.key)
        if outcome.lost is not None:
            attempts = trial.attempt + 1
            if attempts < self._spec.cluster.max_attempts:
                self._submit(pool, self._study.retry(trial, outcome.lost))
                return
            reason = f"given up after {attempts} attempts: {outcome.lost}"
            self._study.tell(
                trial, TrialResult(loss=None, info={"state": "CRASHED"}, exception=reason)
            )
        elif outcome.error is not None:
            raise StudyStopped(
                f"trial {trial.key} cannot run: {one_line(outcome.error)}"
            ) from outcome.error
        else:
            result = outcome.value
            self._study.tell(
                trial,
                TrialResult(
                    loss=result["loss"],
                    info=result["info"],
                    exception=result["exception"],
                    timestamps={"submitted": submitted} | result["timestamps"],
                ),
            )


@contextlib.contextmanager
def _stop_signals() -> Iterator[list[int]]:
    """While inside, SIGINT and SIGTERM are noted in the list that is given, once.

    So no signal can interrupt the writing of the journal. A second one acts as ever, for those
    who cannot wait.
    """
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def note(number: int, frame: FrameType | None) -> None:
        received.append(number)
        restore()

    for number in before:
        signal.signal(number, note)
    try:
        yield received
    finally:
        restore()
