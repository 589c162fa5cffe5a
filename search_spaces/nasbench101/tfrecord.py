"""TFRecord files, TensorFlow's framing of binary records, without TensorFlow.

A record is its length (8 bytes, little endian), the masked CRC-32C of that length (4), its bytes,
and their masked CRC-32C (4). Source: tensorflow/core/lib/io/record_writer.h.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from typing import BinaryIO

import google_crc32c

from oneshot_hpo.search_spaces.table import TableError

_HEADER = struct.Struct("<QI")
_FOOTER = struct.Struct("<I")
_LARGEST = 1 << 20
"""Bytes of a record; those of NAS-Bench-101 have about a thousand."""
_MASK_DELTA = 0xA282EAD8


def masked_crc(data: bytes) -> int:
    """CRC-32C, rotated right by 15 bits plus a constant, so that checksums of checksums differ."""
    crc: int = google_crc32c.value(data)
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def read_records(
    file: BinaryIO, size: int, name: str, see: Callable[[bytes], object]
) -> Iterator[bytes]:
    """The records of a file of `size` bytes, each checked by its checksums.

    see: called with every byte of the file in order (for a digest). Raises TableError, which
    begins with `name` and says at which byte, for a damaged, shortened or foreign file.
    """
    position = 0
    while header := file.read(_HEADER.size):
        if len(header) < _HEADER.size:
            raise TableError(f"{name}: cut short at byte {position}, in a record's header")

        length, length_crc = _HEADER.unpack(header)
        if masked_crc(header[:8]) != length_crc:
            if position == 0:
                raise TableError(f"{name}: not a TFRecord file (nasbench_*.tfrecord is one)")
            raise TableError(f"{name}: damaged at byte {position}: a length fails its checksum")
        if length > size - position - _HEADER.size - _FOOTER.size:
            raise TableError(
                f"{name}: cut short: the record at byte {position} has {length} bytes, more than "
                "are left"
            )
        if length > _LARGEST:
            raise TableError(
                f"{name}: the record at byte {position} has {length:,} bytes, too many for "
                "NAS-Bench-101"
            )

        data, footer = file.read(length), file.read(_FOOTER.size)
        if len(data) + len(footer) < length + _FOOTER.size:
            raise TableError(f"{name}: became shorter while it was read")
        if masked_crc(data) != _FOOTER.unpack(footer)[0]:
            raise TableError(f"{name}: damaged at byte {position}: a record fails its checksum")

        see(header + data + footer)
        yield data
        position += _HEADER.size + length + _FOOTER.size
    if position == 0:
        raise TableError(f"{name}: holds no records")
