"""Tables of trained cells: what each cell of a space reaches when it is trained on its own."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from search_spaces.cell import Cell
from search_spaces.space import Architecture, SearchSpace

_FORMAT = 1
_SHIPPED = {"digits": "digits_space1.npz"}


class TableError(ValueError):
    """A table that cannot be read; the message says why and what to do."""


class MissingCell(ValueError):
    """A cell, a budget or a space that a table does not hold; the message names it."""


@dataclass(frozen=True)
class Entry:
    """What a table says of one cell at one budget. Errors are fractions in [0, 1].

    valid_error, test_error: means over the repeats. valid_errors, test_errors: float (R,), the
    repeats. seconds: training time of one repeat. parameters: trainable ones.
    """

    hash: str
    budget: int
    valid_error: float
    test_error: float
    valid_errors: np.ndarray
    test_errors: np.ndarray
    seconds: float
    parameters: int


@dataclass(frozen=True)
class Best:
    """The lowest mean errors of a space at one budget, each over all its cells."""

    valid_error: float
    test_error: float


@dataclass(frozen=True, eq=False)
class TrainedCells:
    """A table of trained cells, found by module hash.

    hashes: uint8 (U, 16), the MD5 digests in ascending order.
    budgets: the epochs of training, ascending, B of them.
    valid_hits, test_hits: uint16 (U, B, R), correctly classified images of each repeat.
    valid_images, test_images: sizes of the two image sets.
    seconds: float32 (U, B), training time of one repeat. parameters: int32 (U,).
    provenance: how the table was made (settings, versions, seeds, command, duration).
    """

    hashes: np.ndarray
    budgets: tuple[int, ...]
    valid_hits: np.ndarray
    test_hits: np.ndarray
    valid_images: int
    test_images: int
    seconds: np.ndarray
    parameters: np.ndarray
    provenance: Mapping[str, Any]

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def name(self) -> str:
        """The data set that the cells were trained on."""
        return str(self.provenance["dataset"])

    def query(self, cell: Cell, budget: int | None = None) -> Entry:
        """Look one cell up; the largest budget when none is named. Raises MissingCell."""
        digest = np.frombuffer(bytes.fromhex(cell.hash), np.uint8)
        row = int(self.rows(digest[None])[0])
        column = self._column(budget)
        valid_errors, test_errors = self.valid_errors(row, budget), self.test_errors(row, budget)
        return Entry(
            hash=cell.hash,
            budget=self.budgets[column],
            valid_error=float(valid_errors.mean()),
            test_error=float(test_errors.mean()),
            valid_errors=valid_errors,
            test_errors=test_errors,
            seconds=float(self.seconds[row, column]),
            parameters=int(self.parameters[row]),
        )

    def rows(self, hashes: np.ndarray) -> np.ndarray:
        """Rows of many cells: hashes uint8 (N, 16) to int (N,). Raises MissingCell."""
        wanted = _as_keys(hashes)
        rows = np.minimum(np.searchsorted(self._keys, wanted), len(self) - 1)
        missing = np.flatnonzero(self._keys[rows] != wanted)
        if len(missing):
            raise MissingCell(
                f"the table of {self.name} lacks {len(missing)} of {len(wanted)} cells, "
                f"the first with hash {hashes[missing[0]].tobytes().hex()}"
            )
        return rows

    def valid_errors(self, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """Validation errors of many cells: rows int (N,) to float (N, R); of one row, (R,)."""
        return 1 - self.valid_hits[rows, self._column(budget)] / self.valid_images

    def test_errors(self, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """Test errors of many cells: rows int (N,) to float (N, R); of one row, (R,)."""
        return 1 - self.test_hits[rows, self._column(budget)] / self.test_images

    def space_rows(self, space: SearchSpace) -> np.ndarray:
        """The row of every unique cell of a space, in the space's order. Raises MissingCell."""
        if space.number not in self._space_rows:
            self._space_rows[space.number] = self.rows(hash_array(space.cells))
        return self._space_rows[space.number]

    def best(self, space: SearchSpace, budget: int | None = None) -> Best:
        """The lowest mean validation and the lowest mean test error in the complete space."""
        rows = self.space_rows(space)
        return Best(
            valid_error=float(self.valid_errors(rows, budget).mean(1).min()),
            test_error=float(self.test_errors(rows, budget).mean(1).min()),
        )

    def percentile(
        self, space: SearchSpace, architecture: Architecture, budget: int | None = None
    ) -> float:
        """Share of the space's unique cells with a higher mean test error, in percent.

        100 is out of reach of a cell itself: the best one of U cells has 100 (U - 1) / U.
        """
        errors = self.test_errors(self.space_rows(space), budget).mean(1)
        return float((errors > errors[space.cell_index(architecture)]).mean() * 100)

    def _column(self, budget: int | None) -> int:
        if budget is None:
            return len(self.budgets) - 1
        if budget not in self.budgets:
            known = ", ".join(map(str, self.budgets))
            raise MissingCell(f"the table of {self.name} has budgets {known}, not {budget}")
        return self.budgets.index(budget)

    @cached_property
    def _keys(self) -> np.ndarray:
        return _as_keys(self.hashes)

    @cached_property
    def _space_rows(self) -> dict[int, np.ndarray]:
        return {}


def load_table(source: str | Path) -> TrainedCells:
    """Open a shipped table by name ("digits") or a table file by path. Raises TableError."""
    shipped = _SHIPPED.get(str(source))
    path = Path(str(files("search_spaces") / "tables" / shipped)) if shipped else Path(source)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            document = json.loads(str(arrays["provenance"]))
            if document["format"] != _FORMAT:
                raise TableError(f"{path}: table format {document['format']} is not known here")
            return TrainedCells(
                budgets=tuple(int(budget) for budget in arrays["budgets"]),
                valid_images=int(document["valid_images"]),
                test_images=int(document["test_images"]),
                provenance=document,
                **{name: arrays[name] for name in _ARRAYS},
            )
    except FileNotFoundError:
        names = ", ".join(_SHIPPED)
        raise TableError(f"no table {str(source)!r}: use {names} or the path of a table") from None
    except TableError:
        raise
    except (KeyError, ValueError, TypeError, EOFError, OSError, BadZipFile) as error:
        raise TableError(f"{path}: not a table of trained cells ({error})") from None


_ARRAYS = ("hashes", "valid_hits", "test_hits", "seconds", "parameters")


def write_table(table: TrainedCells, path: Path) -> None:
    """Write compressed .npz, whole or not at all: temporary file, fsync, rename."""
    document = dict(table.provenance) | {
        "format": _FORMAT,
        "valid_images": table.valid_images,
        "test_images": table.test_images,
    }
    arrays = {name: getattr(table, name) for name in _ARRAYS}
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            np.savez_compressed(
                file,
                budgets=np.array(table.budgets),
                provenance=np.array(json.dumps(document)),
                **arrays,
            )
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def hash_array(cells: Sequence[Cell]) -> np.ndarray:
    """The module hashes of N cells as bytes, uint8 (N, 16)."""
    return np.frombuffer(bytes.fromhex("".join(c.hash for c in cells)), np.uint8).reshape(-1, 16)


def _as_keys(hashes: np.ndarray) -> np.ndarray:
    """Digests as integers that order like them and compare at once: the first 64 of 128 bits.

    NAS-Bench-101's 423,624 hashes differ in these bits already.
    """
    return np.ascontiguousarray(hashes[:, :8]).view(">u8").ravel().astype(np.uint64)
