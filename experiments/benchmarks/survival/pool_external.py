"""Faults of a Dask cluster that is there: its scheduler gone, its workers gone, the network cut."""

from __future__ import annotations

import contextlib
import functools
import io
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from oneshot_hpo.cluster.external import ExternalPool
from oneshot_hpo.experiments.benchmarks.survival.pool_study import evaluations, undisturbed
from oneshot_hpo.experiments.benchmarks.survival.pool_trials import evaluate
from oneshot_hpo.hpo import read_study

Run = Callable[[Path, Any, Callable[..., Any], io.StringIO], None]
"""Runs a study of instant trials to its end: (folder, pool, trial, what was shown)."""

FROZEN_SECONDS = 18.0
"""Longer than Dask needs to give a frozen worker up, and its trial to another one."""
HANG_SECONDS = 600.0
"""A lost part stays away until the master reports it; this only ends a hang."""
_TTL = "5s"  # the shortest that Dask's heartbeats allow


class Cluster:
    """A scheduler and workers of one thread each as processes, which end with the stack."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.port = server.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self.port}"
        self.start_scheduler()

    def start_scheduler(self) -> None:
        """Start the scheduler, at the same address each time."""
        options = ["--host", "127.0.0.1", "--port", str(self.port), "--no-dashboard"]
        self.scheduler = self._start("dask_scheduler", *options)

    def start_worker(self, port: int | None = None) -> subprocess.Popen[bytes]:
        """Start a worker, which finds the scheduler at `port`."""
        options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--death-timeout", "600"]
        address = f"tcp://127.0.0.1:{port or self.port}"
        return self._start("dask_worker", address, *options)

    def _start(self, name: str, *options: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{name}", *options],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ
            | {
                "DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": _TTL,
                "DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0",
            },
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


class Proxy:
    """Passes bytes on between a port of its own and another one, until it is cut."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._open: list[socket.socket] = []
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self) -> None:
        """End every connection and take no new one."""
        with contextlib.suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._server.accept()
                self._open.append(near)
                try:
                    far = socket.create_connection(("127.0.0.1", self._target))
                except OSError:
                    near.close()  # the scheduler is still starting; the worker tries again
                    continue
                self._open.append(far)
                for source, sink in ((near, far), (far, near)):
                    threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)


def scheduler_gone(stack: contextlib.ExitStack, folder: Path, run: Run) -> str:
    """The scheduler is killed while a trial runs; another one comes at its address."""
    cluster = Cluster(stack)
    cluster.start_worker()

    def inject(until_reported: Callable[[], None]) -> None:
        cluster.scheduler.kill()
        cluster.scheduler.wait()
        until_reported()
        cluster.start_scheduler()
        cluster.start_worker()

    return _problem(cluster, folder, run, inject, "no scheduler since")


def workers_gone(stack: contextlib.ExitStack, folder: Path, run: Run) -> str:
    """The only worker is killed while a trial runs; another one comes later."""
    cluster = Cluster(stack)
    worker = cluster.start_worker()
    return _away(cluster, folder, run, worker.kill)


def cut_off(stack: contextlib.ExitStack, folder: Path, run: Run) -> str:
    """The only worker's network is cut while a trial runs; it comes back as a new worker."""
    cluster = Cluster(stack)
    proxy = Proxy(cluster.port)
    cluster.start_worker(proxy.port)
    return _away(cluster, folder, run, proxy.cut)


def frozen_for_long(stack: contextlib.ExitStack, folder: Path, run: Run) -> str:
    """A worker is frozen until another one has its trial, and thawed long after."""
    cluster = Cluster(stack)
    worker = cluster.start_worker()

    def inject(_: Callable[[], None]) -> None:
        worker.send_signal(signal.SIGSTOP)
        cluster.start_worker()
        time.sleep(FROZEN_SECONDS)
        worker.send_signal(signal.SIGCONT)

    return _problem(cluster, folder, run, inject, "", attempts=1)


def _away(cluster: Cluster, folder: Path, run: Run, go: Callable[[], None]) -> str:
    """The only worker goes; another one comes later."""

    def inject(until_reported: Callable[[], None]) -> None:
        go()
        until_reported()
        cluster.start_worker()

    return _problem(cluster, folder, run, inject, "no worker since", attempts=1)


def _problem(
    cluster: Cluster,
    folder: Path,
    run: Run,
    inject: Callable[[Callable[[], None]], None],
    says: str,
    attempts: int = 0,
) -> str:
    """Run a study and call `inject` during its first trial; what broke a promise, or nothing."""
    expected = undisturbed(folder / "undisturbed")
    victim = expected[0][0]
    study = folder / "study"
    said = io.StringIO()

    def at_the_first_trial() -> None:
        while not (study / "trials" / victim / "injected").exists():
            time.sleep(0.05)
        inject(until_reported)

    def until_reported() -> None:
        deadline = time.monotonic() + HANG_SECONDS
        while says not in said.getvalue() and time.monotonic() < deadline:
            time.sleep(0.05)

    injector = threading.Thread(target=at_the_first_trial)
    injector.start()
    trial = functools.partial(evaluate, "take time", victim, False, 0)
    with ExternalPool(address=cluster.address, log=folder / "dask.log") as pool:
        run(study, pool, trial, said)
    injector.join()
    recorded = read_study(study).evaluations
    counted = {trial.key: trial.attempt for trial, _ in recorded}[victim]
    if evaluations(study) != expected:
        return "other evaluations than those of an undisturbed study"
    if counted != attempts:
        return f"{counted} attempts were counted, not {attempts}"
    if says not in said.getvalue():
        return f"was not reported: {says!r}"
    return ""


FAULTS = (
    ("scheduler gone, another one comes", "reported; waited for; no attempt lost", scheduler_gone),
    ("all workers gone for a while", "reported; waited for; one more attempt", workers_gone),
    ("worker cut off the network (a TCP proxy)", "said; another one waited for", cut_off),
    ("worker frozen, its trial run elsewhere", "one more attempt; recorded once", frozen_for_long),
)
