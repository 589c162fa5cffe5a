"""Reads rows of an external CSV file, plain or compressed with gzip."""

from __future__ import annotations

import csv
import gzip
import hashlib
import math
import os
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, cast

from oneshot_hpo.search_spaces.table import TableError

GZIP = b"\x1f\x8b"
_LONGEST_LINE = 1 << 16
_STEP = 1 << 10  # lines between two reports

ReportBytes = Callable[[int, int], object]
"""Called with the bytes read so far and the file's size."""


def first_line(path: Path) -> str:
    """The first line of a file, unpacked; "" if it is not text or cannot be unpacked. OSError."""
    try:
        with path.open("rb") as file:
            return _unpacked(file).readline(_LONGEST_LINE).decode()
    except (EOFError, zlib.error, gzip.BadGzipFile, UnicodeDecodeError):
        return ""


class CsvRows:
    """The rows of a file, each by the names of its columns.

    Iterating raises TableError, with the file's name and the line, for a file that is damaged or
    lacks columns, and for a row that is longer or shorter than the header; OSError.
    """

    def __init__(self, path: Path, columns: Sequence[str], on_progress: ReportBytes) -> None:
        """columns: columns that the file must have."""
        self.path, self._columns, self._on_progress = path, columns, on_progress
        self._line = 0

    def __iter__(self) -> Iterator[dict[str, str]]:
        try:
            lines = csv.reader(self._lines())
            header = next(lines, [])
            self._check(header)
            for row in lines:
                if len(row) != len(header):
                    raise self.wrong(f"it has {len(row)} values, not {len(header)}")
                yield dict(zip(header, row, strict=True))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            reason = " ".join(str(error).split())
            raise TableError(f"{self.path}: damaged or cut short ({reason})") from None
        except (csv.Error, UnicodeDecodeError) as error:
            raise self.wrong(str(error)) from None

    def number(self, row: Mapping[str, str], column: str, low: float, high: float) -> float:
        """A value between two bounds; raises TableError."""
        try:
            value = float(row[column])
        except ValueError:
            value = math.nan
        if not low <= value <= high:
            raise self.wrong(f"{column} is {row[column][:40]!r}, not in {low:g} to {high:g}")
        return value

    def wrong(self, what: str) -> TableError:
        """An error in the last row that was read."""
        return TableError(f"{self.path}: line {self._line} is wrong: {what}")

    def source(self) -> dict[str, Any]:
        """The file's name, size and SHA-256, for a table's provenance. Raises OSError."""
        with self.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = os.fstat(file.fileno()).st_size
        return {"file": self.path.name, "bytes": size, "sha256": sha256}

    def _lines(self) -> Iterator[str]:
        with self.path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            unpacked = _unpacked(file)
            while line := unpacked.readline(_LONGEST_LINE):
                self._line += 1
                if len(line) == _LONGEST_LINE:
                    raise self.wrong("it is too long")
                if self._line % _STEP == 0:
                    self._on_progress(file.tell(), size)
                yield line.decode()
            self._on_progress(size, size)

    def _check(self, header: Sequence[str]) -> None:
        missing = [column for column in self._columns if column not in header]
        if missing:
            raise TableError(f"{self.path}: its first line lacks the column {missing[0]}")
        if len(set(header)) != len(header):
            raise TableError(f"{self.path}: its first line names a column twice")


def _unpacked(file: IO[bytes]) -> IO[bytes]:
    packed = file.read(len(GZIP)) == GZIP
    file.seek(0)
    return cast(IO[bytes], gzip.GzipFile(fileobj=file)) if packed else file
