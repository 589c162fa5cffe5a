"""How a worker runs a task: alone, and clearing up behind it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import distributed

from cluster.leftovers import cleared, threads_left


class Ended(NamedTuple):
    """What a worker says of a task that has returned."""

    value: Any
    """What the function returned."""
    worker: str
    """The address of the worker."""
    left_threads: bool
    """Whether threads go on in the worker's process that the task has started."""


def run_task(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> Ended:
    """Call the function; processes that it started and did not end are ended."""
    with cleared():
        value = function(*args, **kwargs)
    return Ended(value, distributed.get_worker().address, threads_left())
