"""The epochs of a command: lines of its records.jsonl, or of its output, as rows of metrics.jsonl.

A row has the keys of an `EpochRecord`, null where the command does not say, and after them whatever
else the command records.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from oneshot_hpo import checks
from oneshot_hpo.searchers.checkpoint import METRICS, read_metrics, write_metrics
from oneshot_hpo.searchers.records import EpochRecord

RECORDS = "records.jsonl"
"""In a command's folder: a JSON object a line, one for each epoch."""
_KEYS = tuple(field.name for field in fields(EpochRecord) if field.default is MISSING)
"""The keys that every row has."""
_NUMBERS = frozenset(_KEYS) - {"architecture"}
_SAME = {
    "validation_error": "valid_error",
    "validation_loss": "valid_loss",
    "seconds": "time",
}
"""Keys of a command that have another name in an `EpochRecord`."""
_LARGEST = 100_000_000
"""Bytes of records; a larger file is not read."""

_is_number = checks.number().test
_is_epoch = checks.whole(1, 1_000_000).test


class Epochs:
    """The epochs of a trial; the latest record of an epoch counts, over all attempts."""

    def __init__(self, trial: Path, folder: Path, pattern: str | None) -> None:
        """trial: where metrics.jsonl is written. folder: the command's. pattern: of its output."""
        self._trial = trial
        self._records = folder / RECORDS
        self._pattern = None if pattern is None else re.compile(pattern)
        self._rows = _earlier(trial)
        self._seen = self._state()
        self._since = time.monotonic()

    def read_output(self, line: str) -> None:
        """Record the epoch that a line of output reports, if it does."""
        match = self._pattern.search(line) if self._pattern is not None else None
        if match is not None:
            record = {key: _value(text) for key, text in match.groupdict().items()}
            self._add([(len(self._rows) + 1, record)])

    def read_records(self) -> None:
        """Record the epochs of records.jsonl, if the file has changed."""
        state = self._state()
        if state in (None, self._seen) or state[1] > _LARGEST:
            return
        self._seen = state
        text = self._records.read_text(encoding="utf-8", errors="replace")
        whole, _, _ = text.rpartition("\n")  # the last line may be half written
        documents = map(_document, whole.splitlines())
        self._add(enumerate((one for one in documents if one is not None), 1))

    def _state(self) -> tuple[int, int] | None:
        try:
            state = self._records.stat()
        except OSError:
            return None
        return state.st_mtime_ns, state.st_size

    def _add(self, records: Iterable[tuple[int, Mapping[str, Any]]]) -> None:
        """Take records into the rows; a record that names no epoch is of the one given with it."""
        changed = False
        for number, record in records:
            own = {_SAME.get(key, key): value for key, value in record.items()}
            own = {key: _plain(key, value) for key, value in own.items()}
            epoch: int = own["epoch"] if _is_epoch(own.get("epoch")) else number
            row = dict.fromkeys(_KEYS) | own | {"epoch": epoch}
            before = self._rows.get(epoch)
            if before is not None and _content(before) == _content(row):
                continue

            if not isinstance(row["time"], int | float):
                now = time.monotonic()
                row["time"], self._since = now - self._since, now
            self._rows[epoch] = row
            changed = True
        if changed:
            write_metrics(self._trial, [self._rows[epoch] for epoch in sorted(self._rows)])


def _earlier(trial: Path) -> dict[int, dict[str, Any]]:
    """The rows of earlier attempts, by epoch; none if their file is damaged."""
    try:
        return {row["epoch"]: row for row in read_metrics(trial)}
    except (ValueError, KeyError, TypeError):
        (trial / METRICS).unlink(missing_ok=True)
        return {}


def _document(line: str) -> Mapping[str, Any] | None:
    """A line of records; None for a line that is no JSON object."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _content(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row without its time, which a command need not record."""
    return {key: value for key, value in row.items() if key != "time"}


def _value(text: str | None) -> Any:
    """A group of the pattern as a number, if it is one."""
    for kind in (int, float):
        try:
            return None if text is None else kind(text)
        except ValueError:
            continue
    return text


def _plain(key: str, value: Any) -> Any:
    """A value as JSON can hold it; null for what is no number where an `EpochRecord` has one."""
    if key in _NUMBERS or isinstance(value, float):
        return value if _is_number(value) else None
    return value
