"""The loop of a study or a confirmation: ask, submit, wait, tell, until it is finished."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Generic, Protocol, TypeVar

from cluster.pool import DaskPool, Outcome, PoolError
from experiments.errors import HandedOver, StudyStopped, one_line
from experiments.study_file import StudySpec
from experiments.trial import TrialTask, run_trial
from hpo import Rerun, StudyLocked, StudyUnwritable, Trial, TrialResult
from hpo.own_file import open_own
from searchers.checkpoint import CHECKPOINT

POLL_SECONDS = 0.25
"""How often the loop looks up from waiting, at signals and the display."""
FRUITLESS = 20
"""How often in a row a trial may lose its worker, without its fault, and have saved nothing new."""
LOST_LOG = "lost.log"
"""In a trial's folder: the last lines of each worker that it lost."""


Run = TypeVar("Run", Trial, Rerun)


class Work(Protocol[Run]):
    """What is to be run: a study, or a confirmation."""

    @property
    def finished(self) -> bool:
        """Whether everything planned is told."""

    @property
    def pending(self) -> Sequence[Run]:
        """Asked for and not told yet, in the order of asking."""

    def ask(self) -> Run | None:
        """The next run; None: nothing can start before another tell, or all is asked for."""

    def tell(self, trial: Run, result: TrialResult, /) -> None:
        """How a pending run ended."""

    def retry(self, trial: Run, reason: str, /) -> Run:
        """The next attempt at a pending run whose infrastructure was lost."""


class Display(Protocol):
    """Shows how a study stands."""

    def update(self, study: Any, running: int, workers: str) -> None:
        """Called several times a second; `running` trials are on workers.

        workers: how these stand, empty if there is nothing to say.
        """


class Interrupted(KeyboardInterrupt):
    """A signal asked the study to stop; its journal is in order."""


class StudyRun(Generic[Run]):
    """One master's work on a study, which may have been begun by an earlier one."""

    def __init__(self, study: Work[Run], spec: StudySpec, folder: Path, display: Display) -> None:
        self._study: Work[Run] = study
        self._spec = spec
        self._folder = folder
        self._display = display
        self._in_flight: dict[str, tuple[Run, float]] = {}
        self._fruitless: dict[str, tuple[int, int]] = {}

    def run(self, open_pool: Callable[[], DaskPool], workers: int, *, as_job: bool = False) -> None:
        """Work on the study with at most `workers` workers until it is finished.

        Interrupted: SIGINT or SIGTERM came. StudyStopped: it cannot go on here, say because the
        disk is full or another master has taken it over. Either way the study can be resumed, and
        workers have ended.

        as_job: this process is a SLURM job that has a successor. SLURM announces its end, be it
        the time limit or a preemption, by SIGUSR1 or SIGTERM: HandedOver, and the workers wait for
        the successor.
        """
        with _noted((signal.SIGTERM, signal.SIGUSR1 if as_job else signal.SIGINT)) as noted:
            try:
                with open_pool() as pool:
                    try:
                        self._loop(pool, workers, noted)
                    except Interrupted:
                        if not as_job:
                            raise
                        pool.hand_over()
                        raise HandedOver from None
            except (PoolError, StudyUnwritable, StudyLocked) as error:
                raise StudyStopped(one_line(error)) from error

    def _loop(self, pool: DaskPool, workers: int, signals: list[int]) -> None:
        # Trials that an earlier master had asked for come first, in the order of asking.
        pending = list(reversed(self._study.pending))
        last_seen_alive = time.monotonic()
        while not self._study.finished:
            if signals:
                raise Interrupted
            # A worker that is free is the only reason to ask: the later BOHB decides, the more
            # it knows. With one worker it makes the order of decisions certain.
            while len(self._in_flight) < min(workers, pool.live_workers):
                trial = pending.pop() if pending else self._study.ask()
                if trial is None:
                    break
                self._submit(pool, trial)
            self._display.update(self._study, pool.running, pool.standing)
            for outcome in pool.next_outcomes(POLL_SECONDS):
                self._settle(pool, outcome)

            pool.check()
            if pool.live_workers:
                last_seen_alive = time.monotonic()
            elif time.monotonic() - last_seen_alive > pool.patience_seconds:
                raise StudyStopped(
                    f"no worker has been alive for {pool.patience_seconds:.0f} s; see "
                    f"{self._folder / 'logs'}"
                )
        self._display.update(self._study, 0, "")

    def _submit(self, pool: DaskPool, trial: Run) -> None:
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
            transfer=bool(self._spec.transfer),
            folder=self._folder / "trials" / trial.key,
        )
        self._in_flight[trial.key] = (trial, time.time())
        pool.submit(trial.key, run_trial, task)

    def _settle(self, pool: DaskPool, outcome: Outcome) -> None:
        """A result and a crash are told; a loss is tried again; what is left stops the study."""
        trial, submitted = self._in_flight.pop(outcome.key)
        if outcome.lost is not None:
            self._settle_loss(pool, trial, outcome, outcome.lost)
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

    def _settle_loss(self, pool: DaskPool, trial: Run, outcome: Outcome, lost: str) -> None:
        """Back to the queue; an attempt is counted only where the trial may have been the cause."""
        self._keep_log(trial, outcome)
        if outcome.taken:
            self._check_gain(trial, lost)
            self._submit(pool, trial)
            return
        attempts = trial.attempt + 1
        if attempts < self._spec.cluster.max_attempts:
            self._submit(pool, self._study.retry(trial, lost))
            return
        reason = f"given up after {attempts} attempts: {lost}"
        if outcome.log:
            reason += f" ({LOST_LOG} in the trial's folder has its last lines)"
        self._study.tell(trial, TrialResult(loss=None, info={"state": "CRASHED"}, exception=reason))

    def _check_gain(self, trial: Run, lost: str) -> None:
        """StudyStopped if this trial loses its workers again and again and never gets on."""
        try:
            saved = (self._folder / "trials" / trial.key / CHECKPOINT).stat().st_mtime_ns
        except FileNotFoundError:
            saved = 0
        before, times = self._fruitless.get(trial.key, (0, 0))
        times = times + 1 if saved == before else 1
        self._fruitless[trial.key] = (saved, times)
        if times >= FRUITLESS:
            raise StudyStopped(
                f"trial {trial.key} lost its worker {times} times and never got on ({lost}): the "
                "workers' time limit may be too short"
            )

    def _keep_log(self, trial: Run, outcome: Outcome) -> None:
        if outcome.log:
            path = self._folder / "trials" / trial.key / LOST_LOG
            path.parent.mkdir(parents=True, exist_ok=True)
            log = open_own(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            with os.fdopen(log, "a", encoding="utf-8") as file:
                file.write(f"{outcome.lost}:\n{outcome.log}\n")


@contextlib.contextmanager
def _noted(numbers: tuple[int, ...]) -> Iterator[list[int]]:
    """While inside, these signals are noted in the list that is given, once.

    So no signal can interrupt the writing of the journal. A second one acts as ever, for those
    who cannot wait.
    """
    received: list[int] = []
    before = {number: signal.getsignal(number) for number in numbers}

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
