"""How a task ended that was submitted to a pool."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from oneshot_hpo.cluster.worker import Worker


@dataclass(frozen=True)
class Outcome:
    """How one submitted task ended; exactly one of four endings.

    value: what the function returned (when none of the others is set).
    error: the exception that the function raised.
    failed: why the function failed, perhaps by its worker's fault (TaskFailed, or it hung).
    lost: why the infrastructure lost the task (its worker was killed, ...); the function may
        have run in part or even to its end, so it has to be safe to run again.

    taken: with `lost`: the worker was taken away (time limit, preemption, ...), which is no fault
        of the task; a worker that died may have died of it.
    log: with `lost`: the last lines that the worker wrote, where they are known.
    worker: the one that had the task.
    """

    key: str
    value: Any = None
    error: Exception | None = None
    failed: str | None = None
    lost: str | None = None
    taken: bool = False
    log: str = ""
    worker: Worker | None = field(default=None, compare=False)
