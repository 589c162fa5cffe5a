"""A pool of worker processes on this machine."""

import asyncio
import contextlib
import logging
import os
import signal
import time
from collections.abc import Collection, Iterator, Sequence
from multiprocessing import resource_tracker
from pathlib import Path

from distributed.core import Status
from distributed.deploy.spec import SpecCluster

from oneshot_hpo.cluster.dask_logs import CLUSTER_LOG, dask_logs_to
from oneshot_hpo.cluster.dask_settings import dask_settings
from oneshot_hpo.cluster.environment import SAFE_PATH, THREAD_VARIABLES, child_environment
from oneshot_hpo.cluster.errors import PoolError
from oneshot_hpo.cluster.leftovers import end_session
from oneshot_hpo.cluster.memory import out_of_memory_kills
from oneshot_hpo.cluster.mps import NoSharedGpu, multi_process_service
from oneshot_hpo.cluster.outcome import Outcome
from oneshot_hpo.cluster.own_pool import OwnPool
from oneshot_hpo.cluster.pool import Task
from oneshot_hpo.cluster.private_folder import NoPrivateFolder, private_folder
from oneshot_hpo.cluster.servers import Nanny, Scheduler
from oneshot_hpo.cluster.start_failures import start_failure
from oneshot_hpo.cluster.stopping import ask_to_stop
from oneshot_hpo.cluster.tls import WITHOUT_HTTP, new_security, remove_old_key
from oneshot_hpo.cluster.worker import Retirement, Worker
from oneshot_hpo.cluster.worker_log import bound_log, log_tail
from oneshot_hpo.cluster.worker_main import workers_import_this_main
from oneshot_hpo.cluster.worker_setup import session_file

_CLOSED = (Status.closing_gracefully, Status.closed, Status.failed)

LOOPBACK = "127.0.0.1"

_DASK: dict[str, object] = {
    **WITHOUT_HTTP,
    "distributed.scheduler.worker-saturation": 1.0,
    # A frozen worker may recover, and after the machine was suspended all seem frozen. A dead
    # worker closes its connection.
    "distributed.scheduler.worker-ttl": None,
    # On a busy machine a worker may take long to restart: Dask would give up on it.
    "distributed.deploy.lost-worker-timeout": "1 hour",
    "distributed.comm.timeouts.connect": "2 minutes",  # of dozens that start at once
}


class LocalPool(OwnPool):
    """Worker processes, each under a nanny that replaces it when it dies.

    - A worker runs one task at a time, with `threads` threads, on one of `gpus` if there are any
      (worker i has GPU i modulo their number). Workers that share one compute on it in turns, or
      with `shares_gpus` at the same time, by NVIDIA's multi-process service.
    - All servers listen on the loopback interface only, and use TLS: other users of the machine
      have no key and cannot connect.
    - Workers never receive Ctrl-C: this process alone handles a keyboard interrupt.
    - Workers do not import the program's main module, which therefore needs no
      `if __name__ == "__main__"`.
    - Keys and temporary files are in a private folder that no other user can enter or replace.
      Workers import nothing from it, and nothing from their working directory.
    - Workers end within seconds of this process, even when it is killed.
    - The output of workers and Dask goes into files of bounded size under `scratch`.
    - Child processes that a task leaves behind are killed; threads end with the worker's process,
      which is replaced.
    - A worker that closes or cannot start is replaced while the pool is open; a frozen one is
      waited for. A retired worker is not replaced. Its GPU, if it has one, is retired with it, for
      this pool and, through `retired`, for later ones.

    Raises PoolError if a worker process or that service does not start.
    """

    def __init__(
        self,
        *,
        workers: int,
        threads: int,
        gpus: Sequence[int | str] = (),
        shares_gpus: bool = False,
        scratch: Path,
        retired: Collection[str] = (),
        save_seconds: float = 0.0,
    ) -> None:
        """save_seconds: how long running tasks may take to stop when the pool is closed."""
        self._save_seconds = save_seconds
        gpus = [gpu for gpu in gpus if _gpu_name(gpu) not in retired] or gpus
        self._gpus = {number: gpus[number % len(gpus)] for number in range(workers) if gpus}

        scratch.mkdir(parents=True, exist_ok=True)
        self.scratch = scratch
        self._workers = workers
        self._logs = {str(number): scratch / f"worker-{number}.log" for number in range(workers)}
        for log in self._logs.values():
            session_file(log).unlink(missing_ok=True)  # of an earlier pool, or another host
        self._oom_kills = out_of_memory_kills()
        remove_old_key(scratch, "tls")

        self._exits = contextlib.ExitStack()
        self._exits.enter_context(dask_logs_to(scratch / CLUSTER_LOG))
        try:
            private = self._exits.enter_context(private_folder())
            security = new_security(private)
            shared = multi_process_service(private / "mps") if shares_gpus and gpus else None
            gpu_variables = self._exits.enter_context(shared) if shared else {}
        except (NoPrivateFolder, NoSharedGpu, OSError) as error:
            self._exits.close()
            raise PoolError(f"no workers can start: {error}") from None

        variables = dict.fromkeys(THREAD_VARIABLES, str(threads)) | gpu_variables
        settings = {
            "temporary-directory": str(private),
            # Set before the worker's first import.
            "distributed.nanny.pre-spawn-environ": variables,
        }
        user_safe_path = {SAFE_PATH: os.environ.get(SAFE_PATH, "")}
        self._exits.enter_context(child_environment(private, variables))
        self._exits.enter_context(dask_settings(_DASK | settings))
        self._exits.enter_context(workers_import_this_main())

        encrypted = {"host": LOOPBACK, "protocol": "tls://", "security": security}
        specification = {
            number: {
                "cls": Nanny,
                "options": encrypted
                | {
                    "nthreads": 1,
                    "memory_limit": 0,
                    "dashboard": False,
                    "silence_logs": logging.WARNING,
                    "preload": ["oneshot_hpo.cluster.worker_setup"],
                    # Processes that a trial starts find modules in their folder, as usual.
                    "env": user_safe_path
                    | _worker_environment(self._gpus.get(number), self._logs[str(number)]),
                },
            }
            for number in range(workers)
        }
        scheduler = {
            "cls": Scheduler,
            "options": encrypted
            | {
                "port": 0,
                "dashboard": False,
                "dashboard_address": f"{LOOPBACK}:0",
                # The master counts attempts itself, so it needs to know each death.
                "allowed_failures": 0,
            },
        }

        try:
            with _interrupt_blocked():
                cluster = SpecCluster(workers=specification, scheduler=scheduler, security=security)
                super().__init__(cluster)
        except Exception as error:
            self._exits.close()
            raise PoolError(
                f"worker processes do not start ({start_failure(error)}); see {scratch}"
            ) from error
        except BaseException:  # Ctrl-C
            self._exits.close()
            raise

    def close(self) -> None:
        """End the workers, whatever they run, once their tasks have had time to stop.

        A second Ctrl-C meanwhile ends them at once.
        """
        try:
            self._let_tasks_stop()
        finally:
            self._end_workers()

    def _let_tasks_stop(self) -> None:
        """Ask running tasks to stop, and wait for that, but not longer than they may take."""
        deadline = time.monotonic() + self._save_seconds
        tasks = [attempt.future for attempt in self._running.values()]
        if self._save_seconds and tasks:
            self._soon(self._ask_to_stop())
        self._save_seconds = 0.0  # closing a second time asks no more
        while time.monotonic() < deadline and any(task.status == "pending" for task in tasks):
            time.sleep(0.05)

    async def _ask_to_stop(self) -> None:
        await self._client.run(ask_to_stop, on_error="ignore")

    def _end_workers(self) -> None:
        # Nannies are closed first, with a short timeout: a trial does not react to a request within
        # an epoch, and its checkpoint makes a kill harmless.
        self._cluster.sync(self._close_nannies)
        super().close()
        for log in self._logs.values():
            end_session(session_file(log))
        self._exits.close()

    def next_outcomes(self, timeout: float) -> list[Outcome]:
        """See DaskPool; also replaces closed workers, for example after a broken connection."""
        nannies = self._cluster.workers
        for name in [name for name, nanny in nannies.items() if nanny.status in _CLOSED]:
            # Its worker may be slow to stop its task, which the next worker will run again.
            self._cluster.loop.add_callback(nannies.pop(name).close, timeout=0.5)
        if len(nannies) < self._workers:
            self._cluster.scale(self._workers)
        return super().next_outcomes(timeout)

    def retire(self, worker: Worker) -> Retirement | None:
        """End a worker and those that share its GPU; None if no worker would be left."""
        number = int(worker.name)
        gpu = self._gpus.get(number)
        slots = set(self._cluster.worker_spec)
        retired = {number} if gpu is None else {slot for slot in slots if self._gpus[slot] == gpu}
        if retired >= slots:
            return None
        self._workers -= len(retired)
        for slot in retired:
            self._retired.add(str(slot))
            del self._cluster.worker_spec[slot]
            if nanny := self._cluster.workers.pop(slot, None):
                self._cluster.loop.add_callback(nanny.close, timeout=0.5)
        if gpu is None:
            return Retirement("", f"worker {worker.name}")
        return Retirement(_gpu_name(gpu), _gpu_name(gpu))

    def _expects_another(self, task: Task) -> bool:
        """Whether a worker that the task has not tried exists or is starting."""
        tried = {worker.name for worker in task.avoid}
        return any(str(slot) not in tried for slot in self._cluster.worker_spec)

    async def _loss(self, key: str, worker: Worker) -> Outcome:
        reason = f"its worker {worker.name} died"
        before, self._oom_kills = self._oom_kills, out_of_memory_kills()
        if self._oom_kills > before:
            reason += (
                ": this machine ran out of memory (its kernel killed "
                f"{self._oom_kills - before} processes); use fewer workers"
            )
        log = self._logs[worker.name]
        bound_log(log)
        return Outcome(key, lost=reason, log=log_tail(log), worker=worker)

    async def _close_nannies(self) -> None:
        await asyncio.gather(
            *(nanny.close(timeout=0.5) for nanny in self._cluster.workers.values()),
            return_exceptions=True,
        )


def _gpu_name(gpu: int | str) -> str:
    return f"GPU {gpu}"


def _worker_environment(gpu: int | str | None, log: Path) -> dict[str, str]:
    environment = {"ONESHOT_HPO_WORKER_LOG": str(log)}
    if gpu is not None:
        environment["CUDA_VISIBLE_DEVICES"] = str(gpu)
    return environment


@contextlib.contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Within the context, new threads, processes and their children never receive SIGINT.

    The signal mask is inherited, so a worker has it from its first moment. The terminal sends
    Ctrl-C to every process of the foreground group, workers included.
    """
    # Otherwise the first worker's thread would start it, and unblock the signal there.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
