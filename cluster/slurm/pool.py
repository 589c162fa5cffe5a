"""A pool whose workers are SLURM jobs, with its scheduler in this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import re
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from distributed.deploy.spec import SpecCluster
from distributed.utils import get_ip, get_ip_interface

from oneshot_hpo.cluster.dask_logs import CLUSTER_LOG, dask_logs_to
from oneshot_hpo.cluster.dask_settings import dask_settings
from oneshot_hpo.cluster.errors import PoolError
from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.own_pool import OwnPool
from oneshot_hpo.cluster.pool import Task
from oneshot_hpo.cluster.private_folder import NoPrivateFolder, private_folder
from oneshot_hpo.cluster.servers import Scheduler
from oneshot_hpo.cluster.slurm import commands
from oneshot_hpo.cluster.slurm.commands import SlurmRefused, SlurmUnavailable
from oneshot_hpo.cluster.slurm.contact import (
    contact_folder,
    open_contact,
    remove_contact,
    replace_script,
    write_address,
)
from oneshot_hpo.cluster.slurm.job_script import worker_script
from oneshot_hpo.cluster.slurm.keeper import POLL_SECONDS, Fleet, JobKeeper, job_id, log_file
from oneshot_hpo.cluster.slurm.settings import SlurmSettings, SlurmSettingsError
from oneshot_hpo.cluster.slurm.submitted import IDS, SubmittedJobs
from oneshot_hpo.cluster.start_failures import start_failure
from oneshot_hpo.cluster.tls import WITHOUT_HTTP, new_security, remove_old_key
from oneshot_hpo.cluster.worker import Retirement, Worker
from oneshot_hpo.cluster.worker_log import log_tail

_logger = logging.getLogger(__name__)

_OLD_CONTACT = "slurm"
"""The folder, within the study's, where earlier versions kept the key."""

_DASK: dict[str, object] = {
    **WITHOUT_HTTP,
    "distributed.scheduler.worker-saturation": 1.0,
    # A frozen node may recover; a dead worker closes its connection.
    "distributed.scheduler.worker-ttl": "1 hour",
    "distributed.comm.timeouts.connect": "2 minutes",  # of dozens that start at once
}

_BLAMELESS = {
    "BOOT_FAIL",
    "CANCELLED",
    "COMPLETED",
    "DEADLINE",
    "NODE_FAIL",
    "PREEMPTED",
    "TIMEOUT",
}
"""States of jobs whose end is not the fault of their task."""
_ENDING_SECONDS = 120.0
"""How long SLURM may take to report the end of a job: its controller may be busy or restart."""


class SlurmJobs:
    """The worker jobs of one study: their name, script and folders.

    folder: the study's, on a file system that the nodes share. name: of the jobs, unique to the
    study. threads: number with which a worker computes.

    Raises NoPrivateFolder if the user has no home folder for the contact folder.
    """

    def __init__(self, settings: SlurmSettings, *, name: str, folder: Path, threads: int) -> None:
        self.settings = settings
        self.name = name
        self.folder = folder.resolve()
        self.contact = contact_folder(name)
        self.logs = Path(settings.log_folder or folder / "logs").resolve()
        self.script = worker_script(
            settings,
            name=name,
            threads=threads,
            contact=self.contact,
            folder=self.folder,
            logs=self.logs,
        )

    def submitted(self) -> SubmittedJobs:
        """The jobs that masters of this study have submitted, and will submit."""
        return SubmittedJobs(self.name, self.folder, self.contact / IDS)

    def check(self) -> None:
        """Let SLURM check the script, before anything is created or submitted.

        Raises SlurmRefused, SlurmSettingsError, SlurmUnavailable.
        """
        scheduler_host(self.settings)
        # The study's folder, where the job will start, need not exist yet.
        commands.check(self.script, "--array=0", "--chdir=/")


def scheduler_host(settings: SlurmSettings) -> str:
    """The address on which the scheduler listens. Raises SlurmSettingsError."""
    if settings.scheduler_interface is None:
        return str(get_ip())
    try:
        return str(get_ip_interface(settings.scheduler_interface))
    except ValueError as error:
        raise SlurmSettingsError("scheduler_interface", f"cannot be used: {error}") from None


class SlurmPool(OwnPool):
    """`workers` SLURM jobs of one worker each, maintained until the pool is closed.

    Tasks run on the workers that have registered, without waiting for the others. Jobs of an
    earlier master are taken over; surplus jobs are cancelled.

    Raises PoolError if a folder cannot be created or the scheduler does not start.
    """

    patience_seconds = math.inf  # SLURM may start a job hours later

    def __init__(
        self,
        jobs: SlurmJobs,
        *,
        workers: int,
        poll_seconds: float = POLL_SECONDS,
        retired: Collection[str] = (),
    ) -> None:
        """retired: nodes that get no job if `exclude_failing_nodes` is set."""
        self._jobs = jobs
        self._closed = False
        host = scheduler_host(jobs.settings)

        self._exits = contextlib.ExitStack()
        try:
            # SLURM silently fails a job whose log cannot be opened.
            jobs.logs.mkdir(parents=True, exist_ok=True)
            open_contact(jobs.contact)
            security = new_security(jobs.contact)
            private = self._exits.enter_context(private_folder())
        except NoPrivateFolder as error:
            raise PoolError(str(error)) from None
        except OSError as error:
            raise PoolError(f"{error.filename} cannot be used: {error.strerror}") from error

        self._exits.enter_context(dask_logs_to(jobs.logs / CLUSTER_LOG))
        self._exits.enter_context(dask_settings(_DASK | {"temporary-directory": str(private)}))
        scheduler = {
            "cls": Scheduler,
            "options": {
                "host": host,
                "port": 0,
                "protocol": "tls://",
                "security": security,
                "dashboard": False,
                "dashboard_address": "127.0.0.1:0",
                # The master counts attempts itself, so it needs to know each death.
                "allowed_failures": 0,
            },
        }
        try:
            super().__init__(SpecCluster(workers={}, scheduler=scheduler, security=security))
            write_address(jobs.contact, self.address)
        except Exception as error:
            self._exits.close()
            raise PoolError(f"the scheduler does not start: {start_failure(error)}") from error

        if remove_old_key(jobs.folder, _OLD_CONTACT):
            with contextlib.suppress(SlurmUnavailable):  # they find no master and end soon
                commands.cancel_named(jobs.name)
        if replace_script(jobs.contact, jobs.script):
            with contextlib.suppress(SlurmUnavailable):  # they work, too, when they start
                commands.cancel_named(jobs.name, "--state=PENDING")

        self._submitted = jobs.submitted()
        fleet = Fleet(self._submitted, jobs.script, workers, jobs.settings.max_pending, jobs.logs)
        self._keeper = JobKeeper(fleet, self._registered, poll_seconds)
        self._excluded = _user_exclusions(jobs.settings.extra_directives)
        self._retired.update(node for node in sorted(retired) if self._exclude(node))

    @property
    def status(self) -> str:
        """The state of workers and jobs in a few words."""
        return ", ".join(filter(None, (self._keeper.status, super().status)))

    def check(self) -> None:
        """Raise PoolError, with SLURM's message, if there will never be a worker."""
        if self._keeper.problem is not None:
            raise PoolError(self._keeper.problem)

    def close(self) -> None:
        """Cancel all jobs of the study; returns when none is left in the queue.

        It does nothing after `hand_over`. Raises PoolError if SLURM does not answer.
        """
        if self._closed:
            return
        self._keeper.close()
        try:
            self._submitted.cancel_all()
            remove_contact(self._jobs.contact)
        except SlurmUnavailable as error:
            raise PoolError(
                f"jobs may be left in the queue ({error}): end them with "
                f"scancel --name={self._jobs.name}"
            ) from error
        finally:
            self._close_scheduler()

    def hand_over(self) -> None:
        """Close the scheduler and leave the jobs to the next master."""
        self._keeper.close()
        self._close_scheduler()

    def _close_scheduler(self) -> None:
        self._closed = True
        super().close()
        self._exits.close()

    def _registered(self) -> set[str]:
        # Without workers that are leaving, which may take long on a node that is cut off.
        return {str(worker.name) for worker in tuple(self._cluster.scheduler.running)}

    def retire(self, worker: Worker) -> Retirement | None:
        """Exclude a worker's node, and replace the jobs on it by jobs elsewhere.

        None if SLURM has no other node for them, or `exclude_failing_nodes` is not set; then only
        the worker's job is replaced.
        """
        if self._exclude(worker.host):
            self._retired.add(worker.host)
            return Retirement(worker.host, f"node {worker.host}")
        self._soon(self._end(worker))
        return None

    def _exclude(self, node: str) -> bool:
        """Exclude a node from new jobs; returns whether that succeeded."""
        if not self._jobs.settings.exclude_failing_nodes:
            return False
        try:
            self._keeper.exclude((*self._excluded, node))
        except (SlurmRefused, SlurmUnavailable) as error:
            _logger.warning("node %s is not excluded: %s", node, error)
            return False
        self._excluded = (*self._excluded, node)
        return True

    def _expects_another(self, task: Task) -> bool:
        """Whether a worker is starting, however long that takes on its node."""
        return self._keeper.starting > 0 or super()._expects_another(task)

    def _worker(self, name: str, address: str) -> Worker:
        """A worker and its node; until the node is known, the worker's name is its host."""
        return Worker(address, name, self._keeper.nodes.get(job_id(name), name))

    async def _end(self, worker: Worker) -> None:
        """Let SLURM cancel the job, whatever its process does."""
        with contextlib.suppress(SlurmRefused, SlurmUnavailable):
            await asyncio.to_thread(commands.cancel, [job_id(worker.name)])

    async def _loss(self, key: str, worker: Worker) -> Outcome:
        job = job_id(worker.name)
        state = await asyncio.to_thread(self._final_state, worker.name)
        reason = (
            "its worker's job has ended" if state is None else f"its worker's job ended: {state}"
        )
        return Outcome(
            key,
            lost=reason,
            taken=state is None or state in _BLAMELESS,
            log=log_tail(log_file(self._jobs.logs, job)),
            worker=worker,
        )

    def _final_state(self, worker: str) -> str | None:
        """Final state of a worker's job; None if it runs (its connection broke) or is unknown."""
        deadline = time.monotonic() + _ENDING_SECONDS
        while worker not in self._registered() and time.monotonic() < deadline:
            with contextlib.suppress(SlurmUnavailable):
                state = commands.state_of(job_id(worker))
                if commands.has_ended(state):
                    return state
            time.sleep(0.5)
        return None


def _user_exclusions(directives: Sequence[str]) -> tuple[str, ...]:
    """The nodes that the user's directives exclude, which sbatch's option would override."""
    matches = [re.match(r"(?:--exclude[ =]|-x\s*)(\S+)", line) for line in directives]
    return tuple(match[1] for match in matches if match)
