"""Import the completed table of NAS-Bench-101: published real numbers, the rest imputed, and which.

The file is a compressed .npz. Per cell it has a graph, hits of 9,984 images and seconds at the four
budgets with three repeats each, and a code that says which of them were measured.
"""

from __future__ import annotations

import hashlib
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from oneshot_hpo.search_spaces.nasbench101.cell import vertices_on_paths
from oneshot_hpo.search_spaces.nasbench101.graphs import unpack_cell
from oneshot_hpo.search_spaces.nasbench101.official_file import IMAGES, provenance_of
from oneshot_hpo.search_spaces.nasbench101.record import EPOCHS, MAX_VERTICES
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells
from oneshot_hpo.search_spaces.table import SPLITS, Origin, Runs, TableError

_REPEATS = 3
_COLUMN = (len(EPOCHS), _REPEATS)
_PROVENANCE = ("valid_error", "test_error", "train_error", "seconds")
_ALL_REAL, _MEAN_REAL = 0b0111, 0b1000
_CHUNK = 1 << 13  # cells hashed between two reports
_LARGEST = 1 << 30
"""Bytes of the largest array that is unpacked: five times what those of NAS-Bench-101 take."""

_ARRAYS: Mapping[str, tuple[str, tuple[int, ...]]] = {
    "v": ("uint8", ()),
    "bits": ("uint32", ()),
    "lab": ("uint8", ()),
    "params": ("int32", ()),
    "val": ("uint16", _COLUMN),
    "dtest": ("int16", _COLUMN),
    "dtrain": ("int16", _COLUMN),
    "time_tenths": ("uint16", _COLUMN),
    "prov": ("uint8", (len(EPOCHS), len(_PROVENANCE))),
}
"""By array with a value for each cell, its type and its shape without the last axis, the cells."""


def is_completed(source: Path) -> bool:
    """Whether a file has the arrays of a completed table. Raises OSError."""
    try:
        with zipfile.ZipFile(source) as archive:
            names = set(archive.namelist())
    except zipfile.BadZipFile:
        return False
    return {"val.npy", "dtest.npy", "prov.npy"} <= names


def import_completed(source: Path, on_progress: Callable[[int, int], object]) -> TrainedCells:
    """Read a completed table; nothing halfway.

    on_progress: called with the share of the file's bytes that are done, and its size.
    A mean of three measured runs is REAL; a known mean of imputed runs is MEAN; what has one
    measured run, or none, is IMPUTED. Raises TableError, on one line, for a file that is damaged
    or does not fit; OSError if it cannot be read.
    """
    arrays = _arrays(source)
    graphs = _graphs(source, arrays)
    size = source.stat().st_size
    hashes = _hashes(source, graphs, lambda cells: on_progress(size * cells // len(graphs), size))
    order = np.lexsort(hashes.T[::-1])

    return TrainedCells(
        hashes=hashes[order],
        graphs=graphs[order],
        parameters=arrays["params"][order],
        budgets=EPOCHS,
        images=dict.fromkeys(SPLITS, IMAGES),
        final=Runs(
            hits={split: hits[order] for split, hits in _hits(source, arrays).items()},
            seconds=_seconds(source, arrays)[order],
        ),
        halfway=None,
        provenance=_provenance(source),
        origins={metric: codes[order] for metric, codes in _origins(arrays).items()},
    )


def _arrays(source: Path) -> dict[str, np.ndarray]:
    """All arrays, those of the cells checked."""
    try:
        with zipfile.ZipFile(source) as archive:
            for member in archive.infolist():
                if member.file_size > _LARGEST:
                    raise TableError(f"{source}: {member.filename} is too large for NAS-Bench-101")
            damaged = archive.testzip()
            if damaged is not None:
                raise TableError(f"{source} is damaged: {damaged} fails its checksum")
        with np.load(source, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (OSError, TableError):
        raise
    except Exception as error:  # NumPy's headers and zip can raise anything
        raise TableError(f"{source} is damaged ({error})") from None

    cells = len(arrays.get("v", ()))
    for name, (dtype, shape) in _ARRAYS.items():
        if name not in arrays:
            raise TableError(f"{source} lacks the array {name}")
        if arrays[name].dtype != dtype or arrays[name].shape != (*shape, cells) or not cells:
            raise TableError(
                f"{source}: {name} has shape {arrays[name].shape} of {arrays[name].dtype}, not "
                f"{(*shape, 'cells')} of {dtype}"
            )
    return arrays


def _graphs(source: Path, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The cells as `graphs.pack` writes them, whose places of edges and operations are the same."""
    inner = arrays["v"].astype(np.uint32) - np.uint32(2)
    is_wrong = (arrays["v"] < 2) | (arrays["v"] > MAX_VERTICES)
    is_wrong |= arrays["lab"] >= 3 ** np.minimum(inner, MAX_VERTICES).astype(np.int64)
    is_wrong |= arrays["bits"] >> (arrays["v"].astype(np.uint32) * (inner + 1) // 2) != 0
    if is_wrong.any():
        raise TableError(f"{source}: row {is_wrong.argmax()} is no cell of NAS-Bench-101")

    codes: np.ndarray = inner << 29 | arrays["lab"].astype(np.uint32) << 21 | arrays["bits"]
    return codes


def _hashes(source: Path, graphs: np.ndarray, on_hashed: Callable[[int], object]) -> np.ndarray:
    """The module hash of each cell, uint8 (U, 16); on_hashed: called with how many are done."""
    hashes = np.empty((len(graphs), 16), np.uint8)
    for row, code in enumerate(graphs.tolist()):
        cell = unpack_cell(code)
        if len(vertices_on_paths(cell.matrix)) != len(cell.matrix):
            raise TableError(f"{source}: the cell of row {row} has a loose end")
        hashes[row] = np.frombuffer(bytes.fromhex(cell.hash), np.uint8)
        if (row + 1) % _CHUNK == 0:
            on_hashed(row + 1)
    on_hashed(len(graphs))

    if len(np.unique(hashes, axis=0)) != len(hashes):
        raise TableError(f"{source} has a cell twice")
    return hashes


def _hits(source: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By split, the hits of each run, uint16 (U, B, R)."""
    valid = arrays["val"].astype(np.int32)
    hits = {"train": valid + arrays["dtrain"], "valid": valid, "test": valid + arrays["dtest"]}
    for split, counts in hits.items():
        if counts.min() < 0 or counts.max() > IMAGES:
            raise TableError(f"{source}: hits in {split} are outside 0 to {IMAGES}")
    return {split: _by_cell(counts).astype(np.uint16) for split, counts in hits.items()}


def _seconds(source: Path, arrays: Mapping[str, np.ndarray]) -> np.ndarray:
    """The seconds of each run, float32 (U, B, R): tenths where imputed, as measured elsewhere."""
    seconds = (_by_cell(arrays["time_tenths"]) / np.float32(10)).astype(np.float32)
    measured = _by_cell(arrays["prov"])[:, -1, _PROVENANCE.index("seconds")] & _ALL_REAL
    repeats = ((measured[:, None] >> np.arange(_REPEATS)) & 1).astype(bool)

    whole, single = repeats.all(1), repeats.sum(1) == 1
    try:
        seconds[whole, -1] = arrays["real_time108"]
        seconds[single, -1, repeats[single].argmax(1)] = arrays["one_time108"]
        seconds[arrays["low_rows"], :-1] = arrays["low_time"]
    except (KeyError, ValueError, IndexError) as error:
        raise TableError(f"{source}: its measured times do not fit its cells ({error})") from None
    if not (np.isfinite(seconds).all() and (seconds > 0).all()):
        raise TableError(f"{source}: a training time is not above 0")
    return seconds


def _origins(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """By metric, where the mean of its repeats comes from, members of Origin, uint8 (U, B)."""
    codes = _by_cell(arrays["prov"])
    origins = np.full(codes.shape, Origin.IMPUTED, np.uint8)
    origins[codes & _MEAN_REAL != 0] = Origin.MEAN
    origins[codes & _ALL_REAL == _ALL_REAL] = Origin.REAL
    return {
        metric: np.ascontiguousarray(origins[:, :, place])
        for place, metric in enumerate(_PROVENANCE)
    }


def _by_cell(array: np.ndarray) -> np.ndarray:
    """An array whose last axis is the cells, with it in front."""
    return np.ascontiguousarray(np.moveaxis(array, -1, 0))


def _provenance(source: Path) -> dict[str, object]:
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    note = "completed by imputation: each number says whether it was measured"
    return provenance_of(source, source.stat(), digest, release=None) | {"notes": [note]}
