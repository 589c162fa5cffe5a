"""Tables of trained cells on disk: .npz files whose arrays are mapped into memory, not read.

numpy.load opens them too. Their members are stored without compression and aligned, so that each
array can be used where it lies in the file.
"""

from __future__ import annotations

import hashlib
import json
import mmap
import re
import struct
import zipfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.data_folder import NASBENCH101, data_folder
from oneshot_hpo.search_spaces.table import METRICS, Runs, TableError, TrainedCells
from oneshot_hpo.whole_files import name_behind, whole_file

_FORMAT = 2
_SHIPPED = {"digits": "digits_space1.npz"}
_IN_DATA_FOLDER = {"nasbench101": NASBENCH101}

_ALIGNMENT = 64
_PADDING = 0xD935  # the extra field's number that zipalign uses for the same purpose
_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip's member: lengths of its name and extra field


def load_table(source: str | Path) -> TrainedCells:
    """Open a table: "digits" (shipped), "nasbench101" (imported), or the path of a table's file.

    Raises TableError.
    """
    path = table_path(source)
    try:
        return _table(_mapped_arrays(path), path)
    except FileNotFoundError:
        if str(source) in _IN_DATA_FOLDER:
            raise TableError(
                f"there is no NAS-Bench-101 in {path.parent}: `oneshot-hpo data import FILE` a "
                "nasbench_*.tfrecord, or `oneshot-hpo data fetch` one"
            ) from None
        names = ", ".join([*_SHIPPED, *_IN_DATA_FOLDER])
        raise TableError(f"no table {str(source)!r}: use {names} or the path of a table") from None
    except TableError:
        raise
    except Exception as error:  # NumPy's headers, zip and JSON can raise anything
        raise TableError(f"{path}: not a table of trained cells ({error})") from None


def table_path(source: str | Path) -> Path:
    """Where the table of this name or path lies, or would lie."""
    name = str(source)
    if name in _SHIPPED:
        return Path(str(files("oneshot_hpo.search_spaces") / "tables" / _SHIPPED[name]))
    if name in _IN_DATA_FOLDER:
        return data_folder() / _IN_DATA_FOLDER[name]
    return Path(source)


def table_checksum(source: str | Path) -> str:
    """SHA-256 of the file of the table of this name or path. Raises OSError."""
    with table_path(source).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_table(table: TrainedCells, path: Path) -> None:
    """Write a table, whole or not at all."""
    document = dict(table.provenance) | {"format": _FORMAT, "images": dict(table.images)}
    arrays = {
        "provenance": np.array(json.dumps(document)),
        "budgets": np.array(table.budgets, np.int32),
        "hashes": table.hashes,
        "graphs": table.graphs,
        "parameters": table.parameters,
        **_columns(table.final, ""),
        **(_columns(table.halfway, "halfway_") if table.halfway else {}),
    }
    with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            _append(archive, f"{name}.npy", array)


def is_temporary_table(path: Path) -> bool:
    """Whether a file is what `write_table` leaves when it is killed, in this version or before."""
    older = re.fullmatch(r"\..+\.npz\.\d+", path.name)
    name = name_behind(path)
    ours = older is not None or (name is not None and name.endswith(".npz"))
    return ours and path.is_file() and not path.is_symlink()


def _columns(runs: Runs, prefix: str) -> dict[str, np.ndarray]:
    hits = {f"{prefix}{metric}_hits": array for metric, array in runs.hits.items()}
    return hits | {f"{prefix}seconds": runs.seconds}


def _append(archive: zipfile.ZipFile, name: str, array: np.ndarray) -> None:
    """Append an array as a member whose data begin at a multiple of _ALIGNMENT bytes."""
    assert archive.fp is not None
    member = zipfile.ZipInfo(name)  # its date stays 1980: equal tables are equal files
    empty = struct.pack("<HH", _PADDING, 0)
    begin = archive.fp.tell() + _LOCAL_HEADER.size + len(name.encode()) + len(empty)
    padding = -begin % _ALIGNMENT
    member.extra = struct.pack("<HH", _PADDING, padding) + bytes(padding)
    with archive.open(member, "w") as file:
        np.lib.format.write_array(file, np.asarray(array, order="C"), allow_pickle=False)


def _mapped_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an uncompressed .npz, read-only views of the mapped file."""
    arrays = {}
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise TableError(f"{path}: {member.filename} is compressed; tables are not")
            lengths = _LOCAL_HEADER.unpack_from(mapped, member.header_offset)
            file.seek(member.header_offset + _LOCAL_HEADER.size + sum(lengths))
            if np.lib.format.read_magic(file) != (1, 0):
                raise TableError(f"{path}: {member.filename} is no array of version 1.0")
            shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
            if dtype.hasobject or fortran_order:
                raise TableError(f"{path}: {member.filename} holds no plain numbers")
            count = int(np.prod(shape, dtype=np.int64))
            flat = np.frombuffer(mapped, dtype, count, offset=file.tell())
            arrays[member.filename.removesuffix(".npy")] = flat.reshape(shape)
    return arrays


def _table(arrays: Mapping[str, np.ndarray], path: Path) -> TrainedCells:
    text = str(arrays["provenance"])
    text.encode()  # NumPy takes any four bytes for a character
    document: dict[str, Any] = json.loads(text)
    if document["format"] != _FORMAT:
        raise TableError(f"{path}: table format {document['format']} is not known here")
    halfway = _runs(arrays, "halfway_") if "halfway_seconds" in arrays else None
    table = TrainedCells(
        hashes=arrays["hashes"],
        graphs=arrays["graphs"],
        parameters=arrays["parameters"],
        budgets=tuple(int(budget) for budget in arrays["budgets"]),
        images={str(metric): int(count) for metric, count in document["images"].items()},
        final=_runs(arrays, ""),
        halfway=halfway,
        provenance=document,
    )
    _check(table, path)
    return table


def _runs(arrays: Mapping[str, np.ndarray], prefix: str) -> Runs:
    hits = {
        metric: arrays[f"{prefix}{metric}_hits"]
        for metric in METRICS
        if f"{prefix}{metric}_hits" in arrays
    }
    return Runs(hits=hits, seconds=arrays[f"{prefix}seconds"])


def _check(table: TrainedCells, path: Path) -> None:
    """Raise TableError unless the arrays fit together."""
    cells, budgets = len(table), len(table.budgets)
    per_cell: dict[str, tuple[np.ndarray, type[np.generic], tuple[int, ...]]] = {
        "hashes": (table.hashes, np.uint8, (cells, 16)),
        "graphs": (table.graphs, np.uint32, (cells,)),
        "parameters": (table.parameters, np.int32, (cells,)),
    }
    shape = (cells, budgets, table.repeats)
    for prefix, runs in (("", table.final), ("halfway_", table.halfway)):
        if runs is not None:
            per_cell[f"{prefix}seconds"] = (runs.seconds, np.float32, shape)
            for metric, hits in runs.hits.items():
                per_cell[f"{prefix}{metric}_hits"] = (hits, np.uint16, shape)
    for name, (array, dtype, wanted) in per_cell.items():
        if array.dtype != dtype or array.shape != wanted:
            raise TableError(
                f"{path}: {name} has shape {array.shape} of {array.dtype}, not {wanted} of "
                f"{np.dtype(dtype)}"
            )
    sizes = table.images
    if not set(table.final.hits) <= set(sizes) <= set(METRICS) or min(sizes.values()) < 1:
        raise TableError(f"{path}: images has to say how many there are of {', '.join(METRICS)}")
    if cells == 0 or budgets == 0 or not {"valid", "test"} <= set(table.final.hits):
        raise TableError(f"{path}: a table needs cells, budgets, validation and test hits")
