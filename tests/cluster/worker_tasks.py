"""Functions that workers in tests run; a worker imports this module."""

import os
import time

import distributed

from cluster.stopping import TaskStopped, stop_asked
from cluster.task import TaskFailed


def until_asked(seconds: float) -> str:
    """A task that stops when it is asked to, like a trial."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if stop_asked():
            raise TaskStopped("asked to stop")
        time.sleep(0.05)
    return "done"


def stopped_at_once(task: object) -> None:
    """A trial whose worker always has to leave."""
    raise TaskStopped("the time limit came at once")


def failing() -> None:
    """A task that fails for what may be its worker's fault."""
    raise TaskFailed("RuntimeError: a device")


def where() -> tuple[str, int]:
    """The worker's name and process."""
    return str(distributed.get_worker().name), os.getpid()
