"""A pool of worker processes on this machine."""

import asyncio
import contextlib
import logging
import os
import signal
from collections.abc import Iterator, Sequence
from multiprocessing import resource_tracker
from pathlib import Path

import dask
import distributed
from distributed.deploy.spec import SpecCluster

from cluster.dask_logs import CLUSTER_LOG, dask_logs_to
from cluster.pool import OwnPool, PoolError
from cluster.tls import WITHOUT_HTTP, study_security

THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
LOOPBACK = "127.0.0.1"


class LocalPool(OwnPool):
    """Worker processes, each under a nanny that replaces it when it dies.

    - One task at a time a worker, computing with `threads` threads, on one of `gpus` if there are
      any (worker i has GPU i modulo their number).
    - Everything listens on the loopback interface only, and speaks TLS: who has no key of this
      pool, on a machine of many users, gets nothing.
    - Workers never see Ctrl-C: what a keyboard interrupt means is decided in this process alone.
    - Workers end within seconds of this process, even when it is killed.
    - What workers and Dask print goes into files under `scratch`.

    PoolError: a worker process does not start.
    """

    def __init__(
        self, *, workers: int, threads: int, gpus: Sequence[int | str] = (), scratch: Path
    ) -> None:
        scratch.mkdir(parents=True, exist_ok=True)
        security = study_security(scratch / "tls")
        self._exits = contextlib.ExitStack()
        self._exits.enter_context(dask_logs_to(scratch / CLUSTER_LOG))
        encrypted = {"host": LOOPBACK, "protocol": "tls://", "security": security}
        specification = {
            number: {
                "cls": distributed.Nanny,
                "options": encrypted
                | {
                    "nthreads": 1,
                    "memory_limit": 0,
                    "dashboard": False,
                    "silence_logs": logging.WARNING,
                    "preload": ["cluster.worker_setup"],
                    "env": _worker_environment(number, gpus, scratch),
                },
            }
            for number in range(workers)
        }
        scheduler = {
            "cls": distributed.Scheduler,
            "options": encrypted
            | {
                "port": 0,
                "dashboard": False,
                "dashboard_address": f"{LOOPBACK}:0",
                # The master counts attempts itself and wants to hear of each death.
                "allowed_failures": 0,
            },
        }
        try:
            with _environment(threads), _interrupt_blocked():
                cluster = SpecCluster(workers=specification, scheduler=scheduler, security=security)
                super().__init__(cluster)
        except Exception as error:
            self._exits.close()
            raise PoolError(f"worker processes do not start ({error}); see {scratch}") from error

    def close(self) -> None:
        """End the workers at once, whatever they are running."""
        # Nannies are asked first and with little patience: a trial in the middle of its epochs
        # does not hear a polite request, and its checkpoint makes a kill harmless.
        self._cluster.sync(self._close_nannies)
        super().close()
        self._exits.close()

    async def _close_nannies(self) -> None:
        await asyncio.gather(
            *(nanny.close(timeout=0.5) for nanny in self._cluster.workers.values()),
            return_exceptions=True,
        )


def _worker_environment(number: int, gpus: Sequence[int | str], scratch: Path) -> dict[str, str]:
    environment = {"ONESHOT_HPO_WORKER_LOG": str(scratch / f"worker-{number}.log")}
    if gpus:
        environment["CUDA_VISIBLE_DEVICES"] = str(gpus[number % len(gpus)])
    return environment


@contextlib.contextmanager
def _environment(threads: int) -> Iterator[None]:
    """What a worker must find before its first import: its numbers of threads.

    Nannies read it when they are made, from Dask's configuration, over which os.environ goes.
    """
    before = {name: os.environ.get(name) for name in THREAD_VARIABLES}
    variables = {name: str(threads) for name in THREAD_VARIABLES}
    os.environ.update(variables)
    try:
        with dask.config.set(
            {
                "distributed.nanny.pre-spawn-environ": variables,
                "distributed.scheduler.worker-saturation": 1.0,
                **WITHOUT_HTTP,
            }
        ):
            yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _interrupt_blocked() -> Iterator[None]:
    """Threads and processes that start in here, and theirs in turn, never receive SIGINT.

    The signal mask is inherited, so there is no moment of a worker's life without it. The
    terminal sends Ctrl-C to every process of the foreground group, workers included.
    """
    # It would be started by the first worker's thread, and unblock the signal there.
    resource_tracker.ensure_running()
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
