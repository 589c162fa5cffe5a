"""Import NAS-Bench-101's official TFRecord files (Ying et al., ICML 2019) as a table."""

from __future__ import annotations

import hashlib
import os
import time
import zlib
from array import array
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np

from oneshot_hpo.search_spaces.nasbench101.graphs import pack
from oneshot_hpo.search_spaces.nasbench101.record import BadRecord, cell_of, parse_record
from oneshot_hpo.search_spaces.nasbench101.tfrecord import read_records
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells
from oneshot_hpo.search_spaces.table import SPLITS, Runs, TableError

CELLS = 423_624
"""Unique cells of NAS-Bench-101."""
RELEASES = {
    "nasbench_only108": "4c39c3936e36a85269881d659e44e61a245babcb72cb374eacacf75d0e5f4fd1",
    "nasbench_full": "3d64db8180fb1b0207212f9032205064312b6907a3bbc81eabea10db2f5c7e9c",
}
"""The official files and their SHA-256, from the README of google-research/nasbench."""

IMAGES = 9_984
"""Images of each accuracy: 39 batches of 256."""

_REPEATS = 3
_POINTS = 2  # halfway and at the end
_CHUNK = 1 << 13  # records between two checks and reports


def import_tfrecord(source: Path, on_progress: Callable[[int, int], object]) -> TrainedCells:
    """Read nasbench_only108.tfrecord or nasbench_full.tfrecord in one pass.

    Memory: a few hundred bytes per cell. on_progress: called with the bytes read so far and the
    file's size. Not kept: the evaluation before the first step, and total_time.

    Every record is checked: its checksums, its form, that its hash is its graph's, that its
    accuracies are shares of 9,984 images and its times rise, in the single precision of the
    official numbers. Raises TableError, on one line, for a file that is not of NAS-Bench-101, is
    damaged, or lacks a record; OSError if it cannot be read.
    """
    records = _Records(source.name)
    digest = hashlib.sha256()
    with source.open("rb", buffering=1 << 20) as file:
        status = source.stat()
        for data in read_records(file, status.st_size, source.name, digest.update):
            records.add(data)
            if records.count % _CHUNK == 0:
                records.check()
                on_progress(file.tell(), status.st_size)
    records.check()
    on_progress(status.st_size, status.st_size)

    sha256 = digest.hexdigest()
    release = next((name for name, known in RELEASES.items() if known == sha256), None)
    return records.table(provenance_of(source, status, sha256, release))


def provenance_of(
    source: Path, status: os.stat_result, sha256: str, release: str | None
) -> dict[str, object]:
    """The provenance of a table that is read from a file; release: the official one's name."""
    return {
        "name": "NAS-Bench-101",
        "dataset": "CIFAR-10",
        "source": {
            "file": source.name,
            "bytes": status.st_size,
            "modified": status.st_mtime_ns,
            "sha256": sha256,
            "release": release,
        },
        "versions": {"oneshot-hpo": version("oneshot-hpo")},
        "date": time.strftime("%Y-%m-%d"),
    }


class _Records:
    """The records read so far, in columns."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.count = 0
        self._cells: dict[str, int] = {}  # from module hash, in order of appearance
        self._graphs = array("I")
        self._graph_crcs = array("I")
        self._parameters = array("i")
        self._record_cells = array("i")
        self._record_epochs = array("B")
        self._unchecked = array("d")  # evaluations of the records since the last check
        self._hits: list[np.ndarray] = []
        self._seconds: list[np.ndarray] = []

    def add(self, data: bytes) -> None:
        """Add one record; raises TableError."""
        try:
            record = parse_record(data)
            graph_crc = zlib.crc32(",".join(record.graph).encode())
            cell = self._cells.get(record.module_hash)
            if cell is None:
                self._graphs.append(pack(cell_of(record)))
                self._graph_crcs.append(graph_crc)
                self._parameters.append(record.parameters)
                cell = self._cells[record.module_hash] = len(self._cells)
            elif graph_crc != self._graph_crcs[cell]:
                raise BadRecord("its hash is that of another graph before it")
            elif record.parameters != self._parameters[cell]:
                raise BadRecord("its trainable parameters differ from the same cell's before it")
        except BadRecord as error:
            raise TableError(f"{self._name}: record {self.count + 1} is wrong: {error}") from None
        self._record_cells.append(cell)
        self._record_epochs.append(record.epochs)
        self._unchecked.extend(record.evaluations)
        self.count += 1

    def check(self) -> None:
        """Check the accuracies and times since the last call, and keep them as integers."""
        evaluations = np.array(self._unchecked).reshape(-1, _POINTS, len(SPLITS) + 1)
        accuracies, seconds = evaluations[..., :-1], evaluations[..., -1]
        with np.errstate(invalid="ignore", over="ignore"):
            hits = np.rint(accuracies * IMAGES)
            exact = (hits / IMAGES).astype(np.float32) == accuracies
            exact &= (hits <= IMAGES) & ~np.signbit(accuracies)
            times = seconds.astype(np.float32)
            rising = (times == seconds) & np.isfinite(times)
            rising &= (times[:, :1] > 0) & (times[:, 1:] >= times[:, :1])

        first = self.count - len(evaluations) + 1
        if not exact.all():
            record, point, metric = np.argwhere(~exact)[0]
            raise TableError(
                f"{self._name}: record {first + record} is wrong: its {SPLITS[metric]} accuracy "
                f"{accuracies[record, point, metric]} is not a share of {IMAGES} images"
            )
        if not rising.all():
            record = int(np.argwhere(~rising)[0][0])
            raise TableError(
                f"{self._name}: record {first + record} is wrong: its training times are "
                f"{seconds[record, 0]} s halfway and {seconds[record, 1]} s at the end"
            )
        self._hits.append(hits.astype(np.uint16))
        self._seconds.append(times)
        del self._unchecked[:]

    def table(self, provenance: dict[str, object]) -> TrainedCells:
        """All records as a table; TableError unless every cell has 3 repeats at each budget."""
        hashes = np.frombuffer(bytes.fromhex("".join(self._cells)), np.uint8).reshape(-1, 16)
        by_hash = np.lexsort(hashes.T[::-1])
        rank = np.empty(len(by_hash), np.int64)
        rank[by_hash] = np.arange(len(by_hash))
        budgets, column = np.unique(np.array(self._record_epochs), return_inverse=True)
        places = rank[np.array(self._record_cells)] * len(budgets) + column
        counts = np.bincount(places, minlength=len(hashes) * len(budgets))
        if (counts != _REPEATS).any():
            place = int(np.flatnonzero(counts != _REPEATS)[0])
            row, budget = divmod(place, len(budgets))
            raise TableError(
                f"{self._name}: cut short, or with a record twice: cell "
                f"{hashes[by_hash[row]].tobytes().hex()} has {counts[place]} of {_REPEATS} "
                f"repeats at {budgets[budget]} epochs"
            )
        # Stable: the repeats of a cell stay in the order of the file.
        order = np.argsort(places, kind="stable")
        shape = (len(hashes), len(budgets), _REPEATS)
        hits, seconds = np.concatenate(self._hits), np.concatenate(self._seconds)

        def runs(point: int) -> Runs:
            columns = {
                metric: hits[order, point, index].reshape(shape)
                for index, metric in enumerate(SPLITS)
            }
            return Runs(hits=columns, seconds=seconds[order, point].reshape(shape))

        return TrainedCells(
            hashes=hashes[by_hash],
            graphs=np.array(self._graphs, np.uint32)[by_hash],
            parameters=np.array(self._parameters, np.int32)[by_hash],
            budgets=tuple(budgets.tolist()),
            images=dict.fromkeys(SPLITS, IMAGES),
            final=runs(1),
            halfway=runs(0),
            provenance=provenance,
        )
