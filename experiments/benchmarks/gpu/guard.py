"""A check or a measurement that may fail: then its row says why."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import torch

from oneshot_hpo.experiments.benchmarks.gpu.rows import Row, failed

Measured = tuple[bool | None, dict[str, Any]]
"""Whether a check holds (None: a measurement), and figures by name."""


class SpoiledContext(Exception):
    """The GPU answers no more in this process; the row of what did it is the argument."""

    def __init__(self, row: Row) -> None:
        super().__init__(row)
        self.row = row


def guarded(task: str, name: str, measure: Callable[[], Measured]) -> Row:
    """The row of a check or measurement. Raises SpoiledContext where nothing can follow."""
    try:
        passed, values = measure()
    except Exception as error:
        row = failed(task, name, error)
        traceback.clear_frames(error.__traceback__)  # they hold tensors
        if not _answers():
            raise SpoiledContext(row) from None
        return row
    return Row(task, name, passed, values)


def _answers() -> bool:
    """Whether this process can still use its GPU, if it has one."""
    if not torch.cuda.is_available() or not torch.cuda.is_initialized():
        return True
    try:
        torch.cuda.synchronize()
        return float(torch.ones(2, device="cuda").sum()) == 2.0
    except Exception:
        return False
