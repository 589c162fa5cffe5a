"""The loop of a study or a confirmation: ask, submit, wait, tell, until it is finished."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Generic

from oneshot_hpo import foreign
from oneshot_hpo.cluster.environment import as_given
from oneshot_hpo.cluster.errors import PoolError
from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.pool import DaskPool
from oneshot_hpo.cluster.worker import Worker
from oneshot_hpo.experiments.errors import HandedOver, StudyFailed, StudyStopped, one_line
from oneshot_hpo.experiments.study.command_keys import arguments
from oneshot_hpo.experiments.study.failures import Failures, first_bracket_crashed, workers_named
from oneshot_hpo.experiments.study.folder import REPLICATES
from oneshot_hpo.experiments.study.followers import Followers
from oneshot_hpo.experiments.study.kept_weights import NONE
from oneshot_hpo.experiments.study.losses import LOST_LOG, Losses
from oneshot_hpo.experiments.study.outcome import CRASHED
from oneshot_hpo.experiments.study.pools import RETIRED
from oneshot_hpo.experiments.study.replicating import Replication
from oneshot_hpo.experiments.study.signals import noted_signals
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.stop_rules import StopRules
from oneshot_hpo.experiments.study.trial import TrialTask, run_trial
from oneshot_hpo.experiments.study.trial_limits import TrialLimits
from oneshot_hpo.experiments.study.work import Display, Run, Work
from oneshot_hpo.hpo import (
    BASELINE_ID,
    Replicate,
    Rerun,
    Study,
    StudyLocked,
    StudyUnwritable,
    StudyView,
    Trial,
    TrialResult,
)
from oneshot_hpo.searchers.command import Command
from oneshot_hpo.searchers.command.program import SAVE_SECONDS

POLL_SECONDS = 0.25
"""How often the loop stops waiting to check signals and update the display."""
HOPELESS = 3
"""Trials in a row that failed for good, after which the study stops."""


class Interrupted(KeyboardInterrupt):
    """A signal asked the study to stop; its journal is in order."""


class StudyRun(Generic[Run]):
    """One master's work on a study, which an earlier master may have started."""

    def __init__(
        self,
        study: Work[Run],
        spec: StudySpec,
        folder: Path,
        display: Display,
        stop: StopRules | None = None,
    ) -> None:
        """stop: the rules that may end it before everything planned has run."""
        self._study: Work[Run] = study
        self._stop = stop
        self._spec = spec
        self._folder = folder
        self._display = display
        self._in_flight: dict[str, tuple[Run, float]] = {}
        self._failures = Failures()
        self._failed_in_a_row: list[str] = []
        self._limits = TrialLimits(spec.cluster)
        self._losses = Losses(spec, folder)
        self._replication = Replication(study, self._start) if isinstance(study, Study) else None
        self._followers = Followers(study, spec, folder, display)
        self._environment = as_given()  # before a pool changes it for its workers

    def run(self, open_pool: Callable[[], DaskPool], workers: int, *, as_job: bool = False) -> None:
        """Work on the study with at most `workers` workers until it is finished.

        Interrupted: SIGINT or SIGTERM came. StudyStopped: the study cannot continue now, say
        because the disk is full or another master has taken it over. In both cases workers have
        ended and the study can be resumed.

        as_job: this process is a SLURM job that has a successor. SLURM announces its end (time
        limit or preemption) by SIGUSR1 or SIGTERM: HandedOver, and the workers wait for the
        successor.
        """
        with noted_signals((signal.SIGTERM, signal.SIGUSR1 if as_job else signal.SIGINT)) as noted:
            try:
                with open_pool() as pool:
                    try:
                        self._loop(pool, workers, noted)
                    except Interrupted:
                        if not as_job:
                            self._say_saving()
                            raise
                        pool.hand_over()
                        raise HandedOver from None
                    finally:
                        self._followers.pool_ended()
            except (PoolError, StudyUnwritable, StudyLocked) as error:
                raise StudyStopped(one_line(error)) from error
            finally:
                self._followers.close()

    def _loop(self, pool: DaskPool, workers: int, signals: list[int]) -> None:
        # Pending trials of an earlier master come first, in the order of ask.
        pending = list(reversed(self._study.pending))
        last_seen_alive = time.monotonic()
        for trial, result in self._study.evaluations if self._limits.any else ():
            self._limits.learn(trial, result)
        self._followers.begin()
        while not self._study.finished:
            if signals:
                raise Interrupted
            # Ask only when a worker is free: the later BOHB decides, the more it knows. With one
            # worker this also fixes the order of decisions.
            while len(self._in_flight) < min(workers, pool.live_workers):
                following = pending.pop() if pending else self._ask(pool)
                if following is None:
                    break
                self._free_a_worker(pool, workers)
                self._submit(pool, following)
            self._use_idle_workers(pool, workers)
            trials = max(0, pool.running - len(self._replication or ()))
            self._display.update(self._study, trials, pool.status)
            self._followers.look_at(pool)
            for outcome in pool.next_outcomes(POLL_SECONDS):
                self._settle(pool, outcome)
            self._give_up_hanging(pool)

            pool.check()
            if pool.live_workers:
                last_seen_alive = time.monotonic()
            elif time.monotonic() - last_seen_alive > pool.patience_seconds:
                raise StudyStopped(
                    f"no worker has been alive for {pool.patience_seconds:.0f} s; see "
                    f"{self._folder / 'logs'}"
                )
        self._display.update(self._study, 0, "")

    def _ask(self, pool: DaskPool) -> Run | None:
        """The next trial; None: none can start now, or a stop rule is reached."""
        if self._stop is not None:
            line = self._stop.check(lambda: sum(pool.busy_seconds.values()))
            if line is not None:
                self._display.say(line)
        return self._study.ask()

    def _free_a_worker(self, pool: DaskPool, workers: int) -> None:
        """Give up a replicate if a trial would have to wait for a worker."""
        replicates = len(self._replication or ())
        if replicates and len(self._in_flight) + replicates >= min(workers, pool.live_workers):
            assert self._replication is not None
            self._replication.make_room(pool)

    def _use_idle_workers(self, pool: DaskPool, workers: int) -> None:
        """Run replicates on the workers that have no trial, if the study wants them."""
        if self._replication is not None:
            busy = len(self._in_flight) + len(self._replication)
            self._replication.fill(pool, min(workers, pool.live_workers) - busy)

    def _say_saving(self) -> None:
        """Say why it takes a while to stop, where commands may save."""
        if self._spec.command is not None and self._in_flight:
            self._display.say(
                f"commands have {SAVE_SECONDS:.0f} s to save; a second signal ends them at once"
            )

    def _submit(self, pool: DaskPool, trial: Run) -> None:
        self._in_flight[trial.key] = (trial, time.time())
        self._start(pool, trial)

    def _start(self, pool: DaskPool, trial: Trial | Rerun | Replicate) -> None:
        """Start a trial on a worker."""
        kind = REPLICATES if isinstance(trial, Replicate) else "trials"
        command = self._command(pool)
        task = TrialTask(
            searcher=self._spec.searcher,
            settings=self._spec.search,
            command=command,
            config=trial.config if command is None else arguments(self._spec, trial.config),
            space=self._spec.space,
            dataset=self._spec.dataset,
            table=self._spec.table,
            budget=trial.budget,
            seed=trial.seed,
            objective_seed=trial.objective_seed if isinstance(trial, Trial) else None,
            objective=self._spec.objective,
            transfer=bool(self._spec.transfer),
            folder=self._folder / kind / trial.key,
            keep=self._spec.keep != NONE and isinstance(trial, Trial),
            code=foreign.allowed(),
        )
        pool.submit(trial.key, run_trial, task, avoid=self._failures.avoided(trial.key))

    def _command(self, pool: DaskPool) -> Command | None:
        """The command that runs as a trial; None for a search.

        It gets this process's environment, which may hold secrets: no file of the study has it, and
        workers of a user's own cluster keep theirs.
        """
        command = self._spec.program
        if command is None or not pool.is_private:
            return command
        return dataclasses.replace(command, environment=self._environment)

    def _settle(self, pool: DaskPool, outcome: Outcome) -> None:
        """Tell a result or a crash, retry a lost or failed trial, or stop the study."""
        if self._replication is not None and self._replication.settle(outcome):
            return
        trial, submitted = self._in_flight.pop(outcome.key)
        if outcome.lost is not None:
            self._settle_loss(pool, trial, outcome, outcome.lost)
        elif outcome.failed is not None:
            self._settle_failure(pool, trial, outcome.worker, outcome.failed)
        elif outcome.error is not None:
            raise StudyStopped(
                f"trial {trial.key} cannot run: {one_line(outcome.error)}"
            ) from outcome.error
        else:
            value = outcome.value
            result = TrialResult(
                loss=value["loss"],
                info=value["info"],
                exception=value["exception"],
                timestamps={"submitted": submitted} | value["timestamps"],
            )
            self._failures.ended(trial.key, outcome.worker)
            self._failed_in_a_row.clear()
            self._tell(trial, result)

    def _settle_failure(
        self, pool: DaskPool, trial: Run, worker: Worker | None, reason: str
    ) -> None:
        """Retry a failed trial on another worker; tell a crash once it has failed there, too."""
        assert worker is not None  # a task fails on one
        self._failures.add(trial.key, worker)
        tried = [worker.name for worker in self._failures.tried(trial.key)]
        if self._failures.is_data(trial.key):
            self._tell_crash(trial, f"{reason} (on {workers_named(tried)})")
            return
        if self._failures.is_sick(worker):
            self._retire(pool, worker, reason)
        self._submit(pool, self._study.retry(trial, f"{reason} (on worker {worker.name})"))

    def _retire(self, pool: DaskPool, worker: Worker, reason: str) -> None:
        """Report a sick worker, and stop using it if there is another one."""
        trials = " and ".join(self._failures.on(worker))
        retired = pool.retire(worker)
        what = "it is still needed" if retired is None else f"{retired.description} is retired"
        words = f"worker {worker.name}: {trials} failed on it in a row: {what} ({reason})"
        self._display.say(words)
        if retired is not None:
            self._study.note(words, {RETIRED: retired.place} if retired.place else {})

    def _tell_crash(self, trial: Run, reason: str) -> None:
        """Tell the crash of a trial that has used up its attempts.

        StudyFailed: it was the default configuration, or the last of HOPELESS in a row. The crash
        is journaled before, so the next master starts counting after it.
        """
        self._tell(trial, TrialResult(loss=None, info=CRASHED, exception=reason))
        self._failed_in_a_row.append(trial.key)
        if isinstance(trial, Trial) and trial.id == BASELINE_ID:
            raise StudyFailed(f"the default configuration cannot be searched: {reason}", trial.key)
        if len(self._failed_in_a_row) == HOPELESS:
            raise StudyFailed(
                f"{HOPELESS} trials in a row failed ({', '.join(self._failed_in_a_row)}), the last "
                f"one with {reason}",
                *self._failed_in_a_row,
            )

    def _tell(self, trial: Run, result: TrialResult) -> None:
        """Journal a result. StudyFailed: every trial of the first bracket has crashed alike."""
        self._study.tell(trial, result)
        self._limits.learn(trial, result)
        self._followers.told(trial)
        if isinstance(trial, Trial) and isinstance(self._study, StudyView) and result.crashed:
            in_first = self._study.bracket_of(trial) == 0
            alike = first_bracket_crashed(self._study) if in_first else None
            if alike is not None:
                reason = f"every evaluation of the first bracket crashed alike, the last: {alike}"
                raise StudyFailed(reason, "all")

    def _give_up_hanging(self, pool: DaskPool) -> None:
        """End trials that run longer than the study's limits allow."""
        if not self._limits.any:
            return
        for key, seconds in pool.busy_seconds.items():
            if key not in self._in_flight:
                continue  # a replicate: no trial waits for it
            limit = self._limits.seconds(self._in_flight[key][0].budget)
            if limit is not None and seconds > limit:
                pool.give_up(key, f"TrialTimeout: it has not ended within {limit:.3g} s")

    def _settle_loss(self, pool: DaskPool, trial: Run, outcome: Outcome, lost: str) -> None:
        """Queue a lost trial again; count an attempt only if the trial may have been the cause."""
        self._losses.keep_log(trial.key, outcome)
        if outcome.left and outcome.worker is not None:
            self._failures.leave(trial.key, outcome.worker)
        if outcome.taken:
            self._losses.check_gain(trial.key, lost)
            self._submit(pool, trial)
            return
        attempts = trial.attempt + 1
        if attempts < self._spec.cluster.max_attempts:
            self._submit(pool, self._study.retry(trial, lost))
            return
        reason = f"given up after {attempts} attempts: {lost}"
        if outcome.log:
            reason += f" ({LOST_LOG} in the trial's folder has its last lines)"
        self._tell_crash(trial, reason)
