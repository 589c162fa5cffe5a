"""A Dask cluster of a thousand workers on one machine: few processes, each with many of them.

    python -m oneshot_hpo.experiments.benchmarks.many_workers ADDRESS COUNT FOLDER

is such a process: COUNT workers of the scheduler at ADDRESS, their files in FOLDER. The scheduler
is in the master's process, as in a study; each worker has its own TCP connections. Trials sleep.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import dask
import distributed
from distributed.deploy.spec import SpecCluster

from oneshot_hpo.cluster.own_pool import OwnPool
from oneshot_hpo.cluster.private_folder import private_folder
from oneshot_hpo.cluster.tls import WITHOUT_HTTP
from oneshot_hpo.cluster.worker import Worker
from oneshot_hpo.experiments.benchmarks.instant_trial import instant_trial
from oneshot_hpo.experiments.study.trial import TrialTask

_PROCESSES = 4
_OPTIONS: dict[str, Any] = WITHOUT_HTTP | {
    "distributed.worker.profile.enabled": False,
    "distributed.scheduler.worker-saturation": 1.0,
    "distributed.comm.timeouts.connect": "120s",
}
_IN_WORKERS: dict[str, Any] = _OPTIONS | {
    "distributed.admin.tick.interval": "10s",
    "distributed.admin.system-monitor.interval": "10s",
    "distributed.worker.memory.monitor-interval": "10s",
}
"""Periodic work of each worker, too frequent for hundreds in one process."""
_ENVIRONMENT = {"OMP_NUM_THREADS": "1", "DASK_LOGGING__DISTRIBUTED": "error"}


class ManyWorkers(OwnPool):
    """`workers` workers whose trials sleep for `seconds` an epoch; all have arrived."""

    spent = 0.0
    """Nothing here is simulated in the master's process."""

    def __init__(self, workers: int, epoch_seconds: float) -> None:
        self._seconds = epoch_seconds
        self._exits = contextlib.ExitStack()
        self._exits.enter_context(dask.config.set(_OPTIONS))
        logger = logging.getLogger("distributed")
        self._exits.callback(logger.setLevel, logger.level)
        logger.setLevel(logging.ERROR)
        place = {"host": "127.0.0.1", "port": 0, "dashboard_address": "127.0.0.1:0"}
        scheduler = {"cls": distributed.Scheduler, "options": place | {"dashboard": False}}
        super().__init__(SpecCluster(workers={}, scheduler=scheduler))
        # Made here: the processes are killed at the end, and would leave one of their own.
        scratch = self._exits.enter_context(private_folder())

        for number in range(_PROCESSES):
            count = len(range(number, workers, _PROCESSES))
            command = [sys.executable, "-m", __name__, self.address, str(count), str(scratch)]
            process = subprocess.Popen(command, env=os.environ | _ENVIRONMENT)
            self._exits.callback(process.wait)
            self._exits.callback(process.kill)
        while self.live_workers < workers:
            time.sleep(0.1)

    def submit(
        self,
        key: str,
        function: Callable[..., Any],
        *args: Any,
        avoid: Sequence[Worker] = (),
        **kwargs: Any,
    ) -> None:
        """A sleeping trial in place of a search."""
        sleeping = functools.partial(sleeping_trial, self._seconds)
        super().submit(key, sleeping, *args, avoid=avoid, **kwargs)

    def close(self) -> None:
        """End them all."""
        self._exits.close()
        super().close()


def sleeping_trial(epoch_seconds: float, task: TrialTask) -> dict[str, Any]:
    """`instant_trial` after the time of its epochs."""
    time.sleep(epoch_seconds * task.budget)
    return instant_trial(task)


async def work(address: str, count: int, scratch: str) -> None:
    """Run `count` workers of one thread each until the scheduler ends; `scratch`: their folder."""
    workers = [
        distributed.Worker(
            address, nthreads=1, memory_limit=0, local_directory=scratch, dashboard=False
        )
        for _ in range(count)
    ]
    for worker in workers:
        await worker
    await asyncio.gather(*(worker.finished() for worker in workers))


if __name__ == "__main__":
    with dask.config.set(_IN_WORKERS):
        asyncio.run(work(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
