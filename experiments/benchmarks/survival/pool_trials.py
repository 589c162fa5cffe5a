"""Trials that take no time, for real workers; one of them does what a trial should not do."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import distributed
import numpy as np
import psutil

from oneshot_hpo.experiments.study.trial import TrialTask

FROZEN_SECONDS = 3.0
LAST_WORDS = "the last words of a trial"
BUSY = [sys.executable, "-c", "while True: pass", "left behind by a trial"]
"""The command line of a process that does not end by itself."""
_THREAD = "left behind"


def evaluate(fault: str, victim: str, always: bool, size: int, task: TrialTask) -> dict[str, Any]:
    """Return what `run_trial` returns; the loss follows from the trial's seed.

    The trial with the key `victim` injects the fault first, once or at each attempt. size: bytes
    that the fault prints or allocates. info: what an earlier trial left in this worker.
    """
    assert task.folder is not None
    task.folder.mkdir(parents=True, exist_ok=True)
    injected = task.folder / "injected"
    left = {"children": len(psutil.Process().children(recursive=True)), "threads": _left()}
    is_victim = f"{task.folder.parent.name}/{task.folder.name}" == victim
    if is_victim and (always or not injected.exists()):
        injected.touch()
        _FAULTS[fault](size)
    return {"loss": loss(task.seed), "info": left, "exception": None, "timestamps": {}}


def loss(seed: int) -> float:
    """The loss of a trial with this seed."""
    return float(np.random.default_rng(seed).random())


def _left() -> int:
    return sum(thread.name == _THREAD for thread in threading.enumerate())


def _kill(size: int) -> None:
    _say_last_words()
    os.kill(os.getpid(), signal.SIGKILL)


def _freeze(size: int) -> None:
    thaw = f"sleep {FROZEN_SECONDS}; kill -CONT {os.getpid()}"
    with subprocess.Popen(["sh", "-c", thaw]):
        os.kill(os.getpid(), signal.SIGSTOP)


def _take_time(size: int) -> None:
    time.sleep(2)


def _hang(size: int) -> None:
    while True:
        time.sleep(1)


def _cut(size: int) -> None:
    """Cut the worker's connection, and come with a result a second later."""
    worker: Any = distributed.get_worker()
    worker.loop.add_callback(worker.batched_stream.comm.abort)
    time.sleep(1)


def _print(size: int) -> None:
    """Print `size` bytes, and die."""
    line = b"x" * 999 + b"\n"
    for _ in range(size // 1_000_000):
        os.write(1, line * 1000)
    _kill(size)


def _leave(size: int) -> None:
    """Leave a child, a daemon and a thread behind, all of which compute."""
    subprocess.Popen(BUSY)
    subprocess.Popen(["sh", "-c", 'setsid "$0" "$@" &', *BUSY])
    threading.Thread(target=_spin, name=_THREAD, daemon=True).start()


def _spin() -> None:
    while True:
        pass


def _leave_and_die(size: int) -> None:
    subprocess.Popen(BUSY)
    _kill(size)


def _allocate(size: int) -> None:
    """Use more memory than the kernel allows this worker."""
    (_CGROUP / "cgroup.procs").write_text(str(os.getpid()))
    _say_last_words()
    block = bytearray(size)
    block[::4096] = b"1" * len(block[::4096])


def _say_last_words() -> None:
    print(LAST_WORDS, flush=True)


_CGROUP = Path("/sys/fs/cgroup/memory/oneshot-hpo-survival")
_CGROUP_BYTES = 128 * 2**20

_FAULTS = {
    "kill": _kill,
    "freeze": _freeze,
    "cut": _cut,
    "take time": _take_time,
    "hang": _hang,
    "print": _print,
    "leave": _leave,
    "leave and die": _leave_and_die,
    "allocate": _allocate,
}


@contextlib.contextmanager
def little_memory() -> Iterator[bool]:
    """A memory control group for `allocate`; False if none can be made here."""
    try:
        _CGROUP.mkdir(exist_ok=True)
        (_CGROUP / "memory.limit_in_bytes").write_text(str(_CGROUP_BYTES))
    except OSError:
        yield False
        return
    try:
        yield True
    finally:
        with contextlib.suppress(OSError):
            _CGROUP.rmdir()
