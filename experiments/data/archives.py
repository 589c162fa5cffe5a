"""Archives that somebody else packed, tar or tar.gz, read up to a size."""

from __future__ import annotations

import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from typing import BinaryIO

from oneshot_hpo.experiments.data.tar_reader import Member, Readable, TarFault, members
from oneshot_hpo.search_spaces.csv_rows import GZIP

_PIECE = 1 << 20


class Archive:
    """An open archive: its members in their order, and how far its file has been read."""

    def __init__(self, unpacked: Readable, file: BinaryIO, most: int) -> None:
        self._unpacked = unpacked
        self._file = file
        self._most = self._left = most

    def __iter__(self) -> Iterator[Member]:
        return members(self)

    @property
    def position(self) -> int:
        """The bytes of the file, packed as it is, that are read."""
        return self._file.tell()

    def read(self, size: int) -> bytes:
        """The next unpacked bytes. Raises TarFault."""
        piece = self._unpacked.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise TarFault(f"unpacks to more than {self._most / 1e9:.1f} GB")
        return piece

    def read_to_end(self) -> None:
        """Read what follows the last member: gzip's own checksum is there."""
        while self.read(_PIECE):
            pass


@contextmanager
def opened(path: Path, most: int) -> Iterator[Archive]:
    """Open an archive that unpacks to `most` bytes at most.

    The block raises TarFault for what is no archive, damaged or larger, OSError for a disk.
    """
    with path.open("rb") as file:
        is_packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        try:
            yield Archive(GzipFile(fileobj=file) if is_packed else file, file, most)
        except (EOFError, zlib.error, BadGzipFile) as error:
            raise TarFault(" ".join(str(error).split())) from None


def is_archive(path: Path) -> bool:
    """Whether a file begins as gzip or tar files do. Raises OSError."""
    with path.open("rb") as file:
        begin = file.read(tarfile.BLOCKSIZE)
    if begin.startswith(GZIP):
        return True
    try:
        tarfile.TarInfo.frombuf(begin, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError):
        return False
    return True
