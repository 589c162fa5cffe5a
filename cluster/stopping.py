"""A worker that has to leave asks its task to stop: the time limit, a preemption, a lost master."""

import threading

_asked = threading.Event()


class TaskStopped(Exception):
    """Raised by a task that stopped because it was asked to; it can go on on another worker."""


def ask_to_stop() -> None:
    """Ask the task that this process runs, and any later one, to stop."""
    _asked.set()


def stop_asked() -> bool:
    """Whether the task has to save what it has and raise TaskStopped."""
    return _asked.is_set()


def allow_tasks() -> None:
    """Take the request back, for a worker that may run tasks again."""
    _asked.clear()
