"""Tables of trained cells of NAS-Bench-101, each trained on its own."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import Architecture
from oneshot_hpo.search_spaces.nasbench101.cell import INPUT, OPERATIONS, OUTPUT, Cell
from oneshot_hpo.search_spaces.nasbench101.graph_index import GraphIndex
from oneshot_hpo.search_spaces.nasbench101.graphs import pack, unpack_cell
from oneshot_hpo.search_spaces.nasbench101.space import NasBench101Space
from oneshot_hpo.search_spaces.space import SearchSpace
from oneshot_hpo.search_spaces.table import (
    COST,
    Metric,
    MissingCell,
    Runs,
    Table,
    TableError,
)

FORMAT = 2
"""Version of the file format."""
ORIGIN = "_origin"
"""How the names of its arrays of origins end."""


@dataclass(frozen=True)
class Entry:
    """A table's values of one cell at one budget. Errors are in [0, 1].

    valid_error, test_error: means over the repeats, as in `TrainedCells.mean_errors`.
    valid_errors, test_errors: float (R,), the repeats. seconds: mean training time. parameters:
    trainable ones.
    """

    hash: str
    budget: int
    valid_error: float
    test_error: float
    valid_errors: np.ndarray
    test_errors: np.ndarray
    seconds: float
    parameters: int


@dataclass(frozen=True, eq=False)
class TrainedCells(Table):
    """A table of U trained cells, found by module hash or by graph.

    hashes: uint8 (U, 16), the MD5 digests in ascending order.
    graphs: uint32 (U,), the cells as `search_spaces.nasbench101.graphs.pack` writes them.
    parameters: int32 (U,), trainable parameters.
    budgets: the epochs of training, ascending, B of them; each budget is a training of its own.
    images: by split, the size of the set of images.
    final: after the last epoch, R repeats. halfway: after half of the epochs, if recorded.
    provenance: how the table was made (name, data set, settings, versions, ...).
    origins: by metric, uint8 (U, B), members of Origin; a metric without an entry is all real.
    """

    family = "nasbench101"

    hashes: np.ndarray
    graphs: np.ndarray
    parameters: np.ndarray
    budgets: tuple[int, ...]
    images: Mapping[str, int]
    final: Runs
    halfway: Runs | None
    provenance: Mapping[str, Any]
    origins: Mapping[str, np.ndarray] = field(default_factory=dict)

    @classmethod
    def of_cells(
        cls,
        cells: Sequence[Cell],
        *,
        parameters: Sequence[int] | np.ndarray,
        budgets: tuple[int, ...],
        images: Mapping[str, int],
        final: Runs,
        provenance: Mapping[str, Any],
    ) -> TrainedCells:
        """A table of U cells in any order, no two of them isomorphic; nothing halfway."""
        hashes = hash_array(cells)

        order = np.lexsort(hashes.T[::-1])
        return cls(
            hashes=hashes[order],
            graphs=np.array([pack(cell) for cell in cells], np.uint32)[order],
            parameters=np.asarray(parameters, np.int32)[order],
            budgets=budgets,
            images=images,
            final=Runs(
                hits={metric: hits[order] for metric, hits in final.hits.items()},
                seconds=final.seconds[order],
            ),
            halfway=None,
            provenance=provenance,
        )

    def __len__(self) -> int:
        return len(self.hashes)

    @property
    def repeats(self) -> int:
        """Trainings of each cell at each budget, R."""
        return int(self.final.seconds.shape[2])

    def cell(self, row: int) -> Cell:
        """The cell of a row, its vertices in the order of the source."""
        return unpack_cell(int(self.graphs[row]))

    def query(self, cell: Cell, budget: int | None = None, *, halfway: bool = False) -> Entry:
        """Look one cell up; budget: None for the largest. Raises MissingCell."""
        digest = np.frombuffer(bytes.fromhex(cell.hash), np.uint8)
        row = int(self.rows(digest[None])[0])
        return Entry(
            hash=cell.hash,
            budget=self.budgets[self.column(budget)],
            valid_error=float(self.mean_errors("valid", row, budget, halfway=halfway)),
            test_error=float(self.mean_errors("test", row, budget, halfway=halfway)),
            valid_errors=self.valid_errors(row, budget, halfway=halfway),
            test_errors=self.test_errors(row, budget, halfway=halfway),
            seconds=float(self.seconds(row, budget, halfway=halfway).mean()),
            parameters=int(self.parameters[row]),
        )

    def rows(self, hashes: np.ndarray) -> np.ndarray:
        """Rows of many cells: hashes uint8 (N, 16) to int (N,). Raises MissingCell."""
        wanted = _as_keys(hashes)
        rows = np.minimum(np.searchsorted(self._hash_keys, wanted), len(self) - 1)
        missing = np.flatnonzero(self._hash_keys[rows] != wanted)
        if len(missing):
            raise self._missing(len(missing), len(wanted), hashes[missing[0]].tobytes().hex())
        return rows

    def row(self, module_hash: str) -> int:
        """The row of one cell by its hash, 32 lower-case digits; raises MissingCell."""
        try:
            digest = bytes.fromhex(module_hash)
        except (TypeError, ValueError):
            digest = b""
        if len(digest) == 16 and digest.hex() == module_hash:
            # For one number, Python's search takes half the time of NumPy's.
            row = bisect_left(self._hash_keys.data, int.from_bytes(digest[:8], "big"))
            if row < len(self) and self.hashes[row].tobytes() == digest:
                return row
        raise self._missing(1, 1, module_hash)

    def find(self, adjacency: np.ndarray, operations: np.ndarray) -> np.ndarray:
        """Rows of many cells by their graphs, int (N,): a million in about a second.

        adjacency: bool (N, V, V), upper triangular, loose ends allowed; operations: int
        (N, V - 2), places in OPERATIONS. A smaller cell has vertices without edges before its
        last one. Raises InvalidCell, which numbers the first wrong graph, and MissingCell.
        """
        rows = self._graph_index.rows(adjacency, operations)
        missing = np.flatnonzero(rows < 0)
        if len(missing):
            names = [OPERATIONS[code] for code in operations[missing[0]]]
            first = Cell.pruned(adjacency[missing[0]].astype(int), [INPUT, *names, OUTPUT])
            raise self._missing(len(missing), len(rows), first.hash)
        return rows

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Errors on each set of images, seconds of training, trainable parameters."""
        errors = {f"{split}_error": Metric() for split in self.final.hits}
        return errors | {"seconds": Metric("s", kind=COST), "parameters": Metric(kind=COST)}

    def values(
        self,
        metric: str,
        rows: np.ndarray | int,
        budget: int | None = None,
        *,
        halfway: bool = False,
    ) -> np.ndarray:
        """All repeats of a metric, float (N, R), or (R,) of one row; raises MissingCell."""
        if metric == "seconds":
            return self.seconds(rows, budget, halfway=halfway)
        if metric == "parameters":
            return np.asarray(self.parameters[rows], float)[..., None]
        if not metric.endswith("_error"):
            known = ", ".join(self.metrics)
            raise MissingCell(f"the table of {self.name} has no {metric}: it has {known}")
        split = metric.removesuffix("_error")
        return 1 - self.accuracies(split, rows, budget, halfway=halfway)

    def origin(self, metric: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """Where values come from, members of Origin, uint8 (N,) or a number for one row."""
        if metric not in self.origins:
            return super().origin(metric, rows, budget)
        origins: np.ndarray = self.origins[metric][rows, self.column(budget)]
        return origins

    def key(self, row: int) -> str:
        """The module hash of a row, 32 digits."""
        return self.hashes[row].tobytes().hex()

    def coverage(self, space: SearchSpace) -> int:
        """Number of a space's unique cells in the table; 0 for a space of another family."""
        if space.family != self.family:
            return 0
        return int((self._graph_index.rows(*_cells_of(space).cell_graphs) >= 0).sum())

    def entries(self, space: SearchSpace) -> np.ndarray:
        """The row of every unique cell of a space, in the space's order. Raises MissingCell."""
        self.check_space(space)
        if space.name not in self._entries:
            try:
                self._entries[space.name] = self.find(*_cells_of(space).cell_graphs)
            except MissingCell as error:
                raise MissingCell(f"{space.title}: {error}") from None
        return self._entries[space.name]

    def entry_of(self, space: SearchSpace) -> np.ndarray:
        """The unique cell of every configuration of a space, int (C,)."""
        self.check_space(space)
        return _cells_of(space).unique.of_configuration

    def accuracies(
        self,
        split: str,
        rows: np.ndarray | int,
        budget: int | None = None,
        *,
        halfway: bool = False,
    ) -> np.ndarray:
        """Shares of hits, float (N, R), or (R,) of one row; split is one of SPLITS.

        Rounded to single precision, as NAS-Bench-101 records them. Raises MissingCell.
        """
        return _single(self._hits(split, rows, budget, halfway) / self.images[split])

    def shares(self, split: str) -> np.ndarray:
        """The accuracy of each number of hits, float (images + 1,), as `accuracies` gives it."""
        images = self.images[split]
        return _single(np.arange(images + 1) / images)

    def mean_errors(
        self,
        split: str,
        rows: np.ndarray | int,
        budget: int | None = None,
        *,
        halfway: bool = False,
    ) -> np.ndarray:
        """Mean errors over the repeats, float (N,), or a number for one row.

        They are computed from the sum of a cell's hits, so cells with equal sums have equal errors
        to the last bit; means of rounded shares would not. Raises MissingCell.
        """
        hits = self._hits(split, rows, budget, halfway)
        images = self.images[split] * hits.shape[-1]
        errors: np.ndarray = (images - hits.sum(axis=-1, dtype=np.int64)) / images
        return errors

    def seconds(
        self, rows: np.ndarray | int, budget: int | None = None, *, halfway: bool = False
    ) -> np.ndarray:
        """Training times, float (N, R), or (R,) of one row. Raises MissingCell."""
        times: np.ndarray = self._runs(halfway).seconds[rows, self.column(budget)]
        return times.astype(np.float64)

    def valid_errors(
        self, rows: np.ndarray | int, budget: int | None = None, *, halfway: bool = False
    ) -> np.ndarray:
        """Validation errors: rows int (N,) to float (N, R); of one row, (R,)."""
        return 1 - self.accuracies("valid", rows, budget, halfway=halfway)

    def test_errors(
        self, rows: np.ndarray | int, budget: int | None = None, *, halfway: bool = False
    ) -> np.ndarray:
        """Test errors: rows int (N,) to float (N, R); of one row, (R,)."""
        return 1 - self.accuracies("test", rows, budget, halfway=halfway)

    def stored(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The document and the arrays of its file (see `table_file`)."""
        arrays = {
            "budgets": np.array(self.budgets, np.int32),
            "hashes": self.hashes,
            "graphs": self.graphs,
            "parameters": self.parameters,
            **_columns(self.final, ""),
            **(_columns(self.halfway, "halfway_") if self.halfway else {}),
            **{f"{metric}{ORIGIN}": codes for metric, codes in self.origins.items()},
        }
        return dict(self.provenance) | {"format": FORMAT, "images": dict(self.images)}, arrays

    def _runs(self, halfway: bool) -> Runs:
        if not halfway:
            return self.final
        if self.halfway is None:
            raise MissingCell(f"the table of {self.name} has no values{_at(halfway)}")
        return self.halfway

    def _hits(
        self, split: str, rows: np.ndarray | int, budget: int | None, halfway: bool
    ) -> np.ndarray:
        """Correctly classified images, uint16 (N, R), or (R,) of one row. Raises MissingCell."""
        runs, column = self._runs(halfway), self.column(budget)
        if split not in runs.hits:
            raise MissingCell(f"the table of {self.name} has no {split} accuracies{_at(halfway)}")
        hits: np.ndarray = runs.hits[split][rows, column]
        return hits

    def _missing(self, missing: int, wanted: int, first: str) -> MissingCell:
        built = f"; it is {self.part}" if self.part is not None else ""
        if wanted == 1:
            return MissingCell(f"the table of {self.name} lacks the cell with hash {first}{built}")
        return MissingCell(
            f"the table of {self.name} lacks {missing} of {wanted} cells, "
            f"the first with hash {first}{built}"
        )

    @cached_property
    def _hash_keys(self) -> np.ndarray:
        return _as_keys(self.hashes)

    @cached_property
    def _graph_index(self) -> GraphIndex:
        return GraphIndex(self.graphs)

    @cached_property
    def _entries(self) -> dict[str, np.ndarray]:
        return {}


def trained_cells(table: Table) -> TrainedCells:
    """A table of NAS-Bench-101's cells, where its own methods are needed. Raises TableError."""
    if not isinstance(table, TrainedCells):
        raise TableError(f"the table of {table.name} is one of {table.family}, not nasbench101")
    return table


def of_architectures(
    space: NasBench101Space, architectures: Sequence[Architecture], **recorded: Any
) -> TrainedCells:
    """The table of trained architectures (`table_file.table_of`)."""
    return TrainedCells.of_cells(list(map(space.cell, architectures)), **recorded)


def _columns(runs: Runs, prefix: str) -> dict[str, np.ndarray]:
    hits = {f"{prefix}{split}_hits": array for split, array in runs.hits.items()}
    return hits | {f"{prefix}seconds": runs.seconds}


def _cells_of(space: SearchSpace) -> NasBench101Space:
    complete = space.complete
    assert isinstance(complete, NasBench101Space)  # ensured by `check_space`
    return complete


def hash_array(cells: Sequence[Cell]) -> np.ndarray:
    """The module hashes of N cells as bytes, uint8 (N, 16)."""
    return np.frombuffer(bytes.fromhex("".join(c.hash for c in cells)), np.uint8).reshape(-1, 16)


def _as_keys(hashes: np.ndarray) -> np.ndarray:
    """Digests as integers that order like them and compare at once: the first 64 of 128 bits.

    NAS-Bench-101's 423,624 hashes differ in these bits already.
    """
    return np.ascontiguousarray(hashes[:, :8]).view(">u8").ravel().astype(np.uint64)


def _single(shares: np.ndarray) -> np.ndarray:
    """Rounded to single precision."""
    return shares.astype(np.float32).astype(np.float64)


def _at(halfway: bool) -> str:
    return " from halfway through the training" if halfway else ""
