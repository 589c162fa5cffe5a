"""Requests to stop a task: its worker ends (time limit, preemption) or lost its master."""

import threading

_asked = threading.Event()


class TaskStopped(Exception):
    """Raised by a task that stopped on request; another worker can continue it."""


def ask_to_stop() -> None:
    """Request that the running task of this process, and any later one, stops."""
    _asked.set()


def stop_asked() -> bool:
    """Whether the task has to save its state and raise TaskStopped."""
    return _asked.is_set()


def allow_tasks() -> None:
    """Withdraw the request, for a worker that may run tasks again."""
    _asked.clear()
