"""Waiting for events, however slow the machine is."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any

import psutil

HANG_SECONDS = 1200.0
"""No event takes so long on any machine: this limit only ends a test that hangs."""


def wait_until(done: Callable[[], object], *makers: subprocess.Popen[Any]) -> None:
    """Wait for an event; fails when a process that has to cause it has ended."""
    deadline = time.monotonic() + HANG_SECONDS
    while not done():
        ended = [maker for maker in makers if maker.poll() is not None]
        assert done() or not ended, f"ended before the event: {[each.args for each in ended]}"
        assert time.monotonic() < deadline, "the event did not come"
        time.sleep(0.05)


def seconds_to_start() -> float:
    """What this machine takes now to start a process that imports what a worker does.

    For limits that a test has to give the product: a loaded machine needs longer ones.
    """
    started = time.monotonic()
    subprocess.run([sys.executable, "-c", "import torch, distributed"], check=True)
    return time.monotonic() - started


def wait_for_end(processes: Iterable[psutil.Process]) -> None:
    """Wait until these processes, children of this one or not, have ended."""
    _, alive = psutil.wait_procs(processes, timeout=HANG_SECONDS)
    assert not alive
