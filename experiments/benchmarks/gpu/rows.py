"""Rows of the result, and the file that holds them after each one."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from oneshot_hpo.whole_files import write_whole

_LONGEST = 300
"""Characters of an error in a row."""


@dataclass(frozen=True)
class Row:
    """One check or measurement.

    task: the task that it belongs to. name: what was checked or measured. passed: whether a check
    holds; None for a measurement. values: figures, by name with their unit. error: why there are
    none.
    """

    task: str
    name: str
    passed: bool | None = None
    values: dict[str, Any] = field(default_factory=dict)
    error: str | None = None

    def line(self) -> str:
        """The row as printed."""
        mark = {True: "ok", False: "FAIL", None: "-"}[self.passed]
        shown = [f"{name} {_shown(value)}" for name, value in self.values.items()]
        shown += [] if self.error is None else [self.error]
        return f"{mark:<5}{self.task:<28} {self.name:<30} {', '.join(shown)}"


def failed(task: str, name: str, error: BaseException | str) -> Row:
    """The row of what could not be done: the exception's type and last line."""
    if isinstance(error, BaseException):
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        # torch's CUDA errors end with general advice; their first line says what happened.
        line = "" if not lines else lines[0] if "CUDA error" in lines[0] else lines[-1]
        error = f"{type(error).__name__}: {line}"
    return Row(task, name, False, error=error[:_LONGEST])


class Report:
    """Prints rows, and keeps the file of all of them; several threads may add rows."""

    def __init__(self, path: Path, arguments: dict[str, Any]) -> None:
        self.rows: list[Row] = []
        self._path, self._arguments = path, arguments
        self._started = time.monotonic()
        self._lock = threading.Lock()

    def add(self, row: Row) -> None:
        """Print a row and write the file again."""
        with self._lock:
            self.rows.append(row)
            print(row.line(), flush=True)
            document = {
                "arguments": self._arguments,
                "seconds": round(time.monotonic() - self._started, 1),
                "rows": [asdict(one) for one in self.rows],
            }
            write_whole(self._path, (json.dumps(document, indent=1) + "\n").encode())

    def summary(self) -> str:
        """How many checks hold, how many failed, how many figures there are."""
        passed = [row.passed for row in self.rows]
        return (
            f"{passed.count(True)} checks hold, {passed.count(False)} rows failed, "
            f"{passed.count(None)} measurements; {time.monotonic() - self._started:.0f} s; "
            f"written to {self._path}"
        )


def _shown(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
