"""How a worker runs a task: alone, and clearing up behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import distributed

from oneshot_hpo.cluster.leftovers import clean_up_after, threads_left


class TaskFailed(Exception):
    """Raised by a task that failed for a reason that may be its worker's: a device, memory, a bug.

    The worker's process runs no other task: whatever broke in it ends with it.
    """


class TaskReturn(NamedTuple):
    """What a worker says of a task that has returned."""

    value: Any
    """What the function returned."""
    worker: str
    """The address of the worker."""
    left_threads: bool
    """Whether threads go on in the worker's process that the task has started."""


_failed = False


def has_failed() -> bool:
    """Whether a task has failed in this process, which is then to be replaced."""
    return _failed


def run_task(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> TaskReturn:
    """Call the function; processes that it started and did not end are ended."""
    global _failed
    try:
        with clean_up_after():
            value = function(*args, **kwargs)
    except TaskFailed:
        _failed = True
        raise
    return TaskReturn(value, distributed.get_worker().address, threads_left())
