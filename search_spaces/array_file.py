"""Files of arrays that are mapped into memory: uncompressed, aligned .npz.

numpy.load opens them too. Their members are uncompressed and aligned, so that each array can be
used in place.
"""

from __future__ import annotations

import mmap
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from oneshot_hpo.search_spaces.errors import SpaceError
from oneshot_hpo.whole_files import whole_file

_ALIGNMENT = 64
_PADDING = 0xD935  # the extra field's number that zipalign uses for the same purpose
_LOCAL_HEADER = struct.Struct("<26xHH")  # of a zip's member: lengths of its name and extra field


class BadArrays(SpaceError, ValueError):
    """A file that is not an uncompressed .npz of arrays; the message says why."""


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    """Write arrays, whole or not at all."""
    with whole_file(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in arrays.items():
            _append(archive, f"{name}.npy", array)


def mapped_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an uncompressed .npz, read-only views of the mapped file."""
    arrays = {}
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise BadArrays(f"{member.filename} is compressed; tables are not")
            lengths = _LOCAL_HEADER.unpack_from(mapped, member.header_offset)
            file.seek(member.header_offset + _LOCAL_HEADER.size + sum(lengths))
            if np.lib.format.read_magic(file) != (1, 0):
                raise BadArrays(f"{member.filename} is not an array of version 1.0")
            shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(file)
            if dtype.hasobject or fortran_order:
                raise BadArrays(f"{member.filename} holds no plain numbers")
            count = int(np.prod(shape, dtype=np.int64))
            flat = np.frombuffer(mapped, dtype, count, offset=file.tell())
            arrays[member.filename.removesuffix(".npy")] = flat.reshape(shape)
    return arrays


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
