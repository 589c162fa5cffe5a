"""Running a task in a worker, and cleaning up after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import distributed

from oneshot_hpo.cluster.leftovers import clean_up, threads_left


class TaskFailed(Exception):
    """Raised by a task whose failure may be its worker's fault: a device, memory, a bug.

    The worker's process runs no further task: a fault in the process ends with it.
    """


class TaskLost(Exception):
    """Raised by a task whose place cannot run it: it is run again, on another worker if possible.

    Unlike a failure it says nothing of the task; the worker's process may run other tasks.
    """


class TaskReturn(NamedTuple):
    """The return value of a task, with facts from its worker."""

    value: Any
    """Return value of the function."""
    worker: str
    """Address of the worker."""
    left_threads: bool
    """Whether threads started by the task still run in the worker's process."""


_failed = False


def has_failed() -> bool:
    """Whether a task has failed in this process, which then has to be replaced."""
    return _failed


def run_task(
    function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> TaskReturn:
    """Call the function, then kill processes that it started and that still run."""
    global _failed
    try:
        with clean_up():
            value = function(*args, **kwargs)
    except TaskFailed:
        _failed = True
        raise
    return TaskReturn(value, distributed.get_worker().address, threads_left())
