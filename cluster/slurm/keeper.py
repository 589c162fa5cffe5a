"""The loop that maintains the number of worker jobs of a running study in SLURM."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from oneshot_hpo.cluster.slurm import commands
from oneshot_hpo.cluster.slurm.commands import Job, SlurmRefused, SlurmUnavailable
from oneshot_hpo.cluster.slurm.job_script import WORKER_LOG
from oneshot_hpo.cluster.slurm.submitted import SubmittedJobs
from oneshot_hpo.cluster.worker_log import log_tail

_logger = logging.getLogger(__name__)

POLL_SECONDS = 3.0
_LONGEST_WAIT = 300.0
_HOPELESS_STARTS = 3
"""After so many rounds of jobs without any registered worker, starting is hopeless."""
_MUTE_SECONDS = 600.0
"""How long a job may run without a registered worker; its prologue may be slow."""

_NO_REASON = "None"
"""What squeue says of a waiting job at which SLURM has not looked yet."""
_NEVER_PASSES = {
    "PartitionTimeLimit",
    "PartitionNodeLimit",
    "BadConstraints",
    "InvalidAccount",
    "InvalidQOS",
    "AccountNotAllowed",
    "QOSNotAllowed",
    "AssocMaxWallDurationPerJobLimit",
    "QOSMaxWallDurationPerJobLimit",
    "AssocMaxCpuPerJobLimit",
    "QOSMaxCpuPerJobLimit",
    "QOSMaxGRESPerJob",
    "QOSMaxMemoryPerJob",
    "JobHeldAdmin",
}
"""Reasons for which a waiting job would wait for ever."""


@dataclass(frozen=True)
class Fleet:
    """The target: `workers` jobs of a script, at most `max_pending` of them waiting."""

    jobs: SubmittedJobs
    script: str
    workers: int
    max_pending: int
    logs: Path


class JobKeeper:
    """Compares squeue with the registered workers every few seconds, and submits missing jobs.

    registered: returns the names of the workers that are registered with the scheduler.

    It runs in a thread, because SLURM may take minutes to answer. `problem` is set, with SLURM's
    message, when no worker will ever start; `status` describes the jobs.
    """

    def __init__(
        self, fleet: Fleet, registered: Callable[[], set[str]], poll_seconds: float = POLL_SECONDS
    ) -> None:
        self.problem: str | None = None
        self.status = ""
        self.nodes: dict[str, str] = {}
        """The node of each running job."""
        self._fleet = fleet
        self._excluded: tuple[str, ...] = ()
        self._registered = registered
        self._poll_seconds = poll_seconds
        self._submitted: set[str] = set()
        self._served: set[str] = set()  # ids of jobs whose worker has registered
        self._held: set[str] = set()  # ids of jobs for whose waiting SLURM gives a reason
        self._mute: dict[str, float] = {}  # by job without a registered worker: since when
        self._failed_starts = 0
        self._not_before = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slurm-jobs", daemon=True)
        self._thread.start()

    @property
    def starting(self) -> int:
        """Number of jobs whose worker has not registered yet and that SLURM does not hold back.

        A job counts as soon as it is submitted: SLURM may start it before the next look.
        """
        return len((self._submitted | self._mute.keys()) - self._served - self._held)

    def close(self) -> None:
        """Stop submitting; returns when a running submission has finished."""
        self._stop.set()
        self._thread.join()

    def exclude(self, nodes: tuple[str, ...]) -> None:
        """Run no job on these nodes from now on; replace jobs on them and waiting jobs.

        Raises SlurmRefused when SLURM has no other node for such a job (nothing changes then), and
        SlurmUnavailable.
        """
        commands.check(self._fleet.script, "--array=0", *_exclusion(nodes))
        self._excluded = nodes
        jobs = self._fleet.jobs.alive().values()
        commands.cancel(job.id for job in jobs if job.state == "PENDING" or job.node in nodes)

    def _run(self) -> None:
        while not self._stop.is_set() and self.problem is None:
            try:
                self._compare()
            except SlurmUnavailable as error:
                self.status = f"SLURM does not answer ({error})"
                self._wait_longer()
                _logger.warning("%s", self.status)
            except SlurmRefused as error:
                self.problem = f"SLURM refuses the workers' jobs: {error}"
            except Exception as error:
                self.problem = f"the workers' jobs cannot be managed: {error!r}"
                _logger.exception("managing the workers' jobs")
            self._stop.wait(self._poll_seconds)

    def _compare(self) -> None:
        jobs = self._fleet.jobs.alive()
        self.nodes = {job.id: job.node for job in jobs.values() if job.node}
        serving = {job_id(worker) for worker in self._registered()}
        if serving - self._served:
            self._failed_starts = 0
        self._served |= serving
        self._count_failed_starts(jobs)
        waiting = [job for job in jobs.values() if job.state == "PENDING"]
        self._held = {job.id for job in waiting if job.reason != _NO_REASON}
        self.status = _status(len(serving), jobs, waiting)
        if self.problem is None:
            self._check_reasons(waiting)
        if self.problem is not None:
            return

        self._cancel_mute({job.id for job in jobs.values() if job.state == "RUNNING"} - serving)

        # A worker may outlive its job's entry in the queue, for example after its node was cut off.
        missing = self._fleet.workers - len(jobs.keys() | serving)
        if missing < 0:
            spare = [job.id for job in waiting] + sorted(jobs.keys() - serving)
            commands.cancel(spare[:-missing])
        number = min(missing, self._fleet.max_pending - len(waiting))
        if number > 0 and time.monotonic() >= self._not_before:
            self._submit(number)

    def _cancel_mute(self, mute: set[str]) -> None:
        """Cancel jobs whose worker never registers, such as false entries after SLURM restarts."""
        now = time.monotonic()
        self._mute = {job: self._mute.get(job, now) for job in mute}
        commands.cancel(job for job, since in self._mute.items() if now - since > _MUTE_SECONDS)

    def _submit(self, number: int) -> None:
        options = [f"--array=0-{number - 1}", *_exclusion(self._excluded)]
        first = self._fleet.jobs.submit(self._fleet.script, *options)
        self._submitted |= {f"{first}_{place}" for place in range(number)}
        _logger.info("submitted job %s with %d workers", first, number)

    def _count_failed_starts(self, jobs: dict[str, Job]) -> None:
        """Count a round in which jobs ended before their worker registered."""
        ended = self._submitted - jobs.keys()
        self._submitted -= ended
        failed = sorted(ended - self._served)
        if not failed:
            return
        self._failed_starts += 1
        self._wait_longer()
        reason = self._why(failed[-1])
        _logger.warning("job %s ended before its worker started: %s", failed[-1], reason)
        if self._failed_starts >= _HOPELESS_STARTS and not self._served:
            self.problem = (
                f"{self._failed_starts} times the workers' jobs ended before a worker started; "
                f"job {failed[-1]}: {reason}"
            )

    def _check_reasons(self, waiting: list[Job]) -> None:
        for job in waiting:
            if job.reason in _NEVER_PASSES:
                self.problem = f"SLURM will never start job {job.id}: {job.reason}"
                return

    def _why(self, job: str) -> str:
        """State and end of the log of a job that ended too early."""
        state = commands.state_of(job) or "forgotten by SLURM"
        log = log_file(self._fleet.logs, job)
        tail = log_tail(log)
        if tail:
            return f"{state}; the end of {log}: {tail}"
        return f"{state}; it wrote no {log}: do the nodes share that folder?"

    def _wait_longer(self) -> None:
        wait = min(_LONGEST_WAIT, 2.0 ** max(0, self._failed_starts - 1))
        self._not_before = time.monotonic() + wait


def _exclusion(nodes: tuple[str, ...]) -> list[str]:
    return [f"--exclude={','.join(nodes)}"] if nodes else []


def job_id(worker: str) -> str:
    """The job of a worker, whose name is `w` followed by the job's id."""
    return worker.removeprefix("w")


def log_file(logs: Path, job: str) -> Path:
    """The log of a worker's job."""
    array, _, place = job.partition("_")
    return logs / WORKER_LOG.replace("%A", array).replace("%a", place)


def _status(serving: int, jobs: dict[str, Job], waiting: list[Job]) -> str:
    if not jobs and not serving:
        return ""
    words = [f"{serving} alive, {len(jobs) - len(waiting)} jobs running"]
    for reason, number in Counter(job.reason for job in waiting).items():
        words.append(f"{number} waiting ({reason})")
    return ", ".join(words)
