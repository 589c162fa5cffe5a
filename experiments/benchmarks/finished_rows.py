"""Files of finished runs: a benchmark that is stopped and run again runs only what they lack."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

Key = TypeVar("Key")
Value = TypeVar("Value")


def read_rows(path: Path, parsed: Callable[[Any], tuple[Key, Value]]) -> dict[Key, Value]:
    """The values of a file's rows by their keys; empty if there is no file.

    parsed: the key and the value of a row. A line that a kill has cut short is left out, and so is
    one for which `parsed` raises ValueError, KeyError or TypeError, as another version wrote it.
    """
    found = {}
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            key, value = parsed(json.loads(line))
        except (ValueError, KeyError, TypeError):
            continue
        found[key] = value
    return found


def append_row(path: Path, row: Any) -> None:
    """Append a row, in values that JSON can hold."""
    with path.open("a") as file:
        # The line feed is first, as the last line may be one that a kill has cut short.
        before = "\n" if file.tell() else ""
        file.write(before + json.dumps(row, separators=(",", ":")))
