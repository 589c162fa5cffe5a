"""Tables of trained cells: what each cell of a space reaches when it is trained on its own."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.cell import INPUT, OPERATIONS, OUTPUT, Cell
from oneshot_hpo.search_spaces.errors import SpaceError
from oneshot_hpo.search_spaces.graph_index import GraphIndex
from oneshot_hpo.search_spaces.graphs import pack, unpack_cell
from oneshot_hpo.search_spaces.space import Architecture, SearchSpace

METRICS = ("train", "valid", "test")
"""The sets of images on which a table may have counted a trained cell's hits."""

SINGLE_PRECISION = 5e-7
"""Mean errors, regrets and their differences that are nearer than this are equal.

Earlier versions took means of shares in single precision, which are off by less; sums of hits that
differ make more, up to a million images of all repeats."""

CIFAR10 = "cifar10"
DATASET_CHECKSUM = "dataset_sha256"
"""A key of a table's provenance."""


class TableError(SpaceError, ValueError):
    """A table that cannot be read; the message says why and what to do."""


class MissingCell(SpaceError, ValueError):
    """A cell, a budget or a metric that a table does not hold; the message names it."""


@dataclass(frozen=True)
class Entry:
    """What a table says of one cell at one budget. Errors are fractions in [0, 1].

    valid_error, test_error: means over the repeats, as `TrainedCells.mean_errors` has them.
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


@dataclass(frozen=True)
class Best:
    """The lowest mean errors of a space at one budget, each over all its cells."""

    valid_error: float
    test_error: float


@dataclass(frozen=True, eq=False)
class Runs:
    """What was recorded of all trainings at one point of them.

    hits: by metric, uint16 (U, B, R), correctly classified images of each repeat.
    seconds: float32 (U, B, R), training time up to this point.
    """

    hits: Mapping[str, np.ndarray]
    seconds: np.ndarray


@dataclass(frozen=True, eq=False)
class TrainedCells:
    """A table of U trained cells, found by module hash or by graph.

    hashes: uint8 (U, 16), the MD5 digests in ascending order.
    graphs: uint32 (U,), the cells as `search_spaces.graphs.pack` writes them.
    parameters: int32 (U,), trainable parameters.
    budgets: the epochs of training, ascending, B of them; each budget is a training of its own.
    images: by metric, the size of the set of images.
    final: after the last epoch, R repeats. halfway: after half of the epochs, if recorded.
    provenance: how the table was made (name, data set, settings, versions, ...).
    """

    hashes: np.ndarray
    graphs: np.ndarray
    parameters: np.ndarray
    budgets: tuple[int, ...]
    images: Mapping[str, int]
    final: Runs
    halfway: Runs | None
    provenance: Mapping[str, Any]

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
    def name(self) -> str:
        """What messages call this table."""
        return str(self.provenance["name"])

    @property
    def dataset(self) -> str | None:
        """The name of the data set on which the cells were trained; None: the table does not say.

        NAS-Bench-101's CIFAR-10 has the name that data sets have here, cifar10.
        """
        name = self.provenance.get("dataset")
        return CIFAR10 if name == "CIFAR-10" else name if isinstance(name, str) else None

    @property
    def dataset_checksum(self) -> str | None:
        """SHA-256 of its images, `ImageSplits.scratch_checksum`; None: the table does not say."""
        checksum = self.provenance.get(DATASET_CHECKSUM)
        return checksum if isinstance(checksum, str) else None

    @property
    def part(self) -> str | None:
        """Of how many cells of a space the table was built, in words; None where of all."""
        part = self.provenance.get("part")
        if not isinstance(part, dict):
            return None
        return f"a part, {part.get('cells')} of {part.get('of')} cells"

    @property
    def repeats(self) -> int:
        """Trainings of each cell at each budget, R."""
        return int(self.final.seconds.shape[2])

    def cell(self, row: int) -> Cell:
        """The cell of a row, its vertices in the order of the source."""
        return unpack_cell(int(self.graphs[row]))

    def query(self, cell: Cell, budget: int | None = None, *, halfway: bool = False) -> Entry:
        """Look one cell up; the largest budget when none is named. Raises MissingCell."""
        digest = np.frombuffer(bytes.fromhex(cell.hash), np.uint8)
        row = int(self.rows(digest[None])[0])
        return Entry(
            hash=cell.hash,
            budget=self.budgets[self._column(budget)],
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
            # Of one number, Python's search takes half the time of NumPy's.
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

    def coverage(self, space: SearchSpace) -> int:
        """How many of a space's unique cells the table holds."""
        return int((self._graph_index.rows(*space.cell_graphs) >= 0).sum())

    def accuracies(
        self,
        metric: str,
        rows: np.ndarray | int,
        budget: int | None = None,
        *,
        halfway: bool = False,
    ) -> np.ndarray:
        """Shares of hits, float (N, R), or (R,) of one row; metric is one of METRICS.

        Rounded to single precision, as NAS-Bench-101 records them. Raises MissingCell.
        """
        return _single(self._hits(metric, rows, budget, halfway) / self.images[metric])

    def shares(self, metric: str) -> np.ndarray:
        """The accuracy of each number of hits, float (images + 1,), as `accuracies` gives it."""
        images = self.images[metric]
        return _single(np.arange(images + 1) / images)

    def mean_errors(
        self,
        metric: str,
        rows: np.ndarray | int,
        budget: int | None = None,
        *,
        halfway: bool = False,
    ) -> np.ndarray:
        """Mean errors over the repeats, float (N,), or a number for one row.

        They follow from the sum of a cell's hits: cells with equal sums have equal errors to the
        last bit, which means of rounded shares do not. Raises MissingCell.
        """
        hits = self._hits(metric, rows, budget, halfway)
        images = self.images[metric] * hits.shape[-1]
        errors: np.ndarray = (images - hits.sum(axis=-1, dtype=np.int64)) / images
        return errors

    def seconds(
        self, rows: np.ndarray | int, budget: int | None = None, *, halfway: bool = False
    ) -> np.ndarray:
        """Training times, float (N, R), or (R,) of one row. Raises MissingCell."""
        times: np.ndarray = self._runs(halfway).seconds[rows, self._column(budget)]
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

    def space_rows(self, space: SearchSpace) -> np.ndarray:
        """The row of every unique cell of a space, in the space's order. Raises MissingCell."""
        if space.number not in self._space_rows:
            try:
                self._space_rows[space.number] = self.find(*space.cell_graphs)
            except MissingCell as error:
                raise MissingCell(f"space {space.number}: {error}") from None
        return self._space_rows[space.number]

    def best(self, space: SearchSpace, budget: int | None = None) -> Best:
        """The lowest mean validation and the lowest mean test error in the complete space."""
        rows = self.space_rows(space)
        return Best(
            valid_error=float(self.mean_errors("valid", rows, budget).min()),
            test_error=float(self.mean_errors("test", rows, budget).min()),
        )

    def percentile(
        self, space: SearchSpace, architecture: Architecture, budget: int | None = None
    ) -> float:
        """Share of the space's unique cells with a higher mean test error, in percent.

        100 is out of reach of a cell itself: the best one of U cells has 100 (U - 1) / U.
        """
        errors = self.mean_errors("test", self.space_rows(space), budget)
        return float((errors > errors[space.cell_index(architecture)]).mean() * 100)

    def _column(self, budget: int | None) -> int:
        if budget is None:
            return len(self.budgets) - 1
        if budget not in self.budgets:
            known = ", ".join(map(str, self.budgets))
            raise MissingCell(f"the table of {self.name} has budgets {known}, not {budget}")
        return self.budgets.index(budget)

    def _runs(self, halfway: bool) -> Runs:
        if not halfway:
            return self.final
        if self.halfway is None:
            raise MissingCell(f"the table of {self.name} has nothing{_at(halfway)}")
        return self.halfway

    def _hits(
        self, metric: str, rows: np.ndarray | int, budget: int | None, halfway: bool
    ) -> np.ndarray:
        """Correctly classified images, uint16 (N, R), or (R,) of one row. Raises MissingCell."""
        runs, column = self._runs(halfway), self._column(budget)
        if metric not in runs.hits:
            raise MissingCell(f"the table of {self.name} has no {metric} accuracies{_at(halfway)}")
        hits: np.ndarray = runs.hits[metric][rows, column]
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
    def _space_rows(self) -> dict[int, np.ndarray]:
        return {}


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
