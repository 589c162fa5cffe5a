"""The process of a worker's job, which `cluster.slurm.job` starts.

It serves the master whose address is in the study's contact file. When that master ends, the task
saves and stops, and the worker waits for the next master to write its address there. Before SLURM
ends the job (SIGUSR1 ahead of the time limit or a preemption, SIGTERM on scancel), the task also
saves and stops, and the worker ends.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import distributed
from distributed.core import Status
from distributed.utils import get_ip, get_ip_interface

from oneshot_hpo.cluster import environment
from oneshot_hpo.cluster.dask_settings import dask_settings
from oneshot_hpo.cluster.leftovers import guard, threads_left
from oneshot_hpo.cluster.private_folder import NoPrivateFolder, private_folder
from oneshot_hpo.cluster.servers import Worker
from oneshot_hpo.cluster.slurm.contact import SCHEDULER
from oneshot_hpo.cluster.stopping import allow_tasks, ask_to_stop
from oneshot_hpo.cluster.task import has_failed
from oneshot_hpo.cluster.tls import WITHOUT_HTTP, security_in
from oneshot_hpo.cluster.worker_log import bound_output

_CONNECT_SECONDS = 120.0
"""How long an attempt to reach a busy master may take; a new master ends it earlier."""
_LEAVE_SECONDS = 10.0
"""How long a worker may take to close; then the end of its process closes it."""
_RESULT_SECONDS = 300.0
"""How long a busy master may take to fetch a last result; SLURM ends the job long before."""


class _StopTasks(distributed.WorkerPlugin):
    """Asks the running task to stop when the worker closes, for example without a master."""

    def teardown(self, worker: distributed.Worker) -> None:
        ask_to_stop()


async def serve(arguments: argparse.Namespace) -> int | None:
    """Work for one master after another; the job's exit code, or None to restart the process."""
    leaving = asyncio.Event()

    def leave() -> None:
        ask_to_stop()
        leaving.set()

    for number in (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, leave)

    served = False
    waiting_since = time.monotonic()
    while not leaving.is_set():
        address = _address(arguments.folder)
        worker = await _connected(arguments, address, leaving) if address else None
        if worker is not None:
            served = True
            _say(f"working for {address}")
            await _first(worker.finished(), leaving.wait())
            if leaving.is_set():
                await _drained(worker)
                return 0
            if threads_left():
                _say("a task has left a thread behind: another job replaces this one")
                return 0
            if has_failed():
                _say("a task has failed: a new process replaces this one")
                return None
            _say("the master has ended; waiting for another one")
            allow_tasks()
            waiting_since = time.monotonic()
        elif time.monotonic() - waiting_since > arguments.death_timeout:
            _say(f"no master at {address or 'any address'} for {arguments.death_timeout:g} s")
            if not served and not arguments.folder.exists():
                _say(
                    f"there is no {arguments.folder} on this node: set XDG_STATE_HOME, where the "
                    "master starts, to a folder that the nodes share"
                )
            return 0 if served else 1
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(leaving.wait(), 1)
    return 0


async def _connected(
    arguments: argparse.Namespace, address: str, leaving: asyncio.Event
) -> distributed.Worker | None:
    """A worker that is registered with the scheduler at `address`.

    None if the scheduler is not reached, the address changes, or the worker has to end.
    """
    if arguments.interface:
        host = get_ip_interface(arguments.interface)
    else:
        host = get_ip(address.removeprefix("tls://").rpartition(":")[0])

    try:
        # Each master has a new key, so it is read again; it may be removed with the last master.
        worker = Worker(
            address,
            name=arguments.name,
            nthreads=arguments.nthreads,
            memory_limit=arguments.memory_limit,
            security=security_in(arguments.folder),
            protocol="tls://",
            host=host,
            dashboard=False,
            dashboard_address="127.0.0.1:0",
            death_timeout=_CONNECT_SECONDS,
            # Closing waits for its threads, however long the task takes to stop.
            executor=ThreadPoolExecutor(1, thread_name_prefix="task"),
            plugins=(_StopTasks(),),
        )
        return await _registered(
            worker, lambda: leaving.is_set() or _address(arguments.folder) != address
        )
    except (OSError, RuntimeError) as error:  # TimeoutError is an OSError
        _say(f"{address} cannot be reached: {error}")
        allow_tasks()
        return None


async def _registered(
    worker: distributed.Worker, in_vain: Callable[[], bool]
) -> distributed.Worker:
    """The worker, once it is registered. Raises TimeoutError when `in_vain` returns True."""
    starting = asyncio.ensure_future(worker.start())
    while not (starting.done() or in_vain()):
        await asyncio.wait({starting}, timeout=0.5)
    if not starting.done():
        starting.cancel()
        await asyncio.wait({starting})
        await worker.close(reason="no scheduler")
        raise TimeoutError("another master has started, or this job ends")
    await starting
    return worker


async def _drained(worker: distributed.Worker) -> None:
    """Close a worker once its task has stopped and its result was fetched."""
    worker.status = Status.paused  # no new task starts
    while worker.state.executing_count and worker.status == Status.paused:
        await asyncio.sleep(0.05)
    deadline = time.monotonic() + _RESULT_SECONDS
    while (
        worker.state.tasks and worker.status == Status.paused and time.monotonic() < deadline
    ):  # a worker without a master closes
        await asyncio.sleep(0.05)
    with contextlib.suppress(OSError, RuntimeError):  # the master may have ended, too
        await asyncio.wait_for(worker.close_gracefully(reason="asked to leave"), _LEAVE_SECONDS)


async def _first(*waits: object) -> None:
    tasks = [asyncio.ensure_future(wait) for wait in waits]  # type: ignore[call-overload]
    _, pending = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()


def _address(folder: Path) -> str | None:
    """The scheduler's address, if a master has written it."""
    try:
        address: str = json.loads((folder / SCHEDULER).read_bytes())["address"]
    except (OSError, ValueError, KeyError):
        return None
    return address


def _say(message: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), message, flush=True)


def main() -> int:
    """Read the command line, which dask-jobqueue writes, and serve."""
    parser = argparse.ArgumentParser(description="A worker of a study, as a SLURM job.")
    parser.add_argument("folder", type=Path, help="folder of certificate and contact file")
    parser.add_argument("--name", required=True)
    parser.add_argument("--nthreads", type=int, required=True)
    parser.add_argument("--memory-limit", required=True)
    parser.add_argument("--death-timeout", type=float, required=True, help="seconds")
    parser.add_argument("--local-directory", required=True)
    parser.add_argument("--interface")
    arguments = parser.parse_args()

    _say(
        f"worker {arguments.name}, process {os.getpid()} on {socket.gethostname()}, "
        f"CUDA_VISIBLE_DEVICES={os.environ.get('CUDA_VISIBLE_DEVICES', '')}"
    )
    bound_output()
    guard()

    try:
        with private_folder(Path(arguments.local_directory)) as scratch:
            settings = WITHOUT_HTTP | {"temporary-directory": str(scratch)}
            with environment.child_environment(scratch, {}), dask_settings(settings):
                os.environ.pop(environment.SAFE_PATH)  # this process was started with -P
                code = asyncio.run(serve(arguments))
    except NoPrivateFolder as error:
        _say(str(error))
        return 1

    if code is None:
        os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
    return code


if __name__ == "__main__":
    sys.exit(main())
