"""The outcome of a task that was submitted to a pool."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from oneshot_hpo.cluster.worker import Worker


@dataclass(frozen=True)
class Outcome:
    """The outcome of one submitted task; exactly one of four cases.

    value: the return value of the function (if none of the others is set).
    error: the exception that the function raised.
    failed: why the function failed, perhaps by its worker's fault (TaskFailed, or it hung).
    lost: why the infrastructure lost the task (its worker was killed, ...). The function may have
        run in part or completely, so it must be safe to run again.

    taken: with `lost`: the worker was taken away (time limit, preemption, ...), which is not the
        task's fault; if a worker dies, the task may be the cause.
    left: with `lost`: the task itself gave up its worker (TaskLost), which is alive.
    log: with `lost`: the last lines of the worker's log, if known.
    worker: the worker that had the task.
    """

    key: str
    value: Any = None
    error: Exception | None = None
    failed: str | None = None
    lost: str | None = None
    taken: bool = False
    left: bool = False
    log: str = ""
    worker: Worker | None = field(default=None, compare=False)
