"""Reads bundles that anybody may have made: a zip, or a folder that one was unpacked into.

Nothing of it is run, nothing is written outside a folder of our own, and limits on names, numbers
and sizes hold before memory is taken.
"""

from __future__ import annotations

import errno
import lzma
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.bundle.layout import (
    DATA,
    JOURNAL,
    MADE,
    MANIFEST,
    STUDIES,
    is_known,
)

MOST_FILES = 10_000
LARGEST = 256 << 20
"""Bytes of a file, a packed one also when it is unpacked."""
MOST = 1 << 30
"""Bytes of a bundle."""
_ZIP = b"PK\x03\x04"
_DAMAGE = (
    *(zipfile.BadZipFile, RuntimeError, NotImplementedError, ValueError, EOFError),
    *(struct.error, OverflowError, zlib.error),
)
"""What Python's zipfile raises for archives that are damaged."""
_MEMORY = 128 << 20  # that unpacking may take


class BadBundle(UserError):
    """A file or folder that is no bundle, or a damaged one; the message says why."""


def is_bundle(path: Path) -> bool:
    """Whether this is a zip, an unpacked bundle or the folder of a study out of one."""
    if path.is_dir():
        return (path / MANIFEST).is_file() or (path / JOURNAL).is_file()
    try:
        with path.open("rb") as file:
            return file.read(len(_ZIP)) == _ZIP
    except OSError:
        return False


def read_bundle(path: Path) -> dict[str, bytes]:
    """Every file of a bundle by its name. Raises BadBundle, and OSError.

    A study's folder alone is read as a bundle with one study and nothing else.
    """
    if not path.is_dir():
        return _read_zip(path)
    if (path / MANIFEST).is_file():
        return _read_folder(path, path, "")
    name = path.resolve().name
    prefix = f"{STUDIES}/{name}/"
    if not is_known(prefix + JOURNAL):
        prefix = f"{STUDIES}/study/"
    return _read_folder(path, path, prefix, only=(*DATA, *MADE))


def unpacked(name: str, content: bytes) -> bytes:
    """The content of a file packed by xz. Raises BadBundle."""
    reader = lzma.LZMADecompressor(format=lzma.FORMAT_XZ, memlimit=_MEMORY)
    try:
        found = reader.decompress(content, LARGEST + 1)
    except lzma.LZMAError as error:
        raise BadBundle(f"{name} cannot be unpacked ({error})") from None
    if len(found) > LARGEST:
        raise BadBundle(f"{name} unpacks to more than {LARGEST >> 20} MB")
    if not reader.eof or reader.unused_data:
        raise BadBundle(f"{name} is cut short, or something follows it")
    return found


def _read_zip(path: Path) -> dict[str, bytes]:
    if path.stat().st_size > MOST:
        raise BadBundle(f"{path}: more than {MOST >> 20} MB, too much for a bundle")
    found: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            _check_members(path, members)
            for member in members:
                found[member.filename] = archive.read(member)  # compares its checksum
    except BadBundle:
        raise
    except _DAMAGE as error:
        raise BadBundle(f"{path} is no bundle, or damaged ({error})") from None
    except OSError as error:
        if error.errno != errno.EINVAL:  # a place in the file that cannot be
            raise
        raise BadBundle(f"{path} is no bundle, or damaged ({error})") from None
    return found


def _check_members(path: Path, members: list[zipfile.ZipInfo]) -> None:
    """Raise BadBundle unless all members are plain files that a bundle may hold."""
    _check_count(path, len(members))
    names = [member.filename for member in members]
    _check_sizes(path, [(member.filename, member.file_size) for member in members])
    for member in members:
        kind = stat.S_IFMT(member.external_attr >> 16)
        if kind not in (0, stat.S_IFREG) or member.is_dir():
            raise BadBundle(f"{path}: {member.filename!r} is no plain file")
        if member.compress_type != zipfile.ZIP_STORED or member.file_size != member.compress_size:
            raise BadBundle(f"{path}: {member.filename!r} is compressed; files of bundles are not")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise BadBundle(f"{path}: {twice!r} is there twice")
    _check_names(path, names)


def _read_folder(
    path: Path, folder: Path, prefix: str, only: Iterable[str] | None = None
) -> dict[str, bytes]:
    """The files of a folder by their names in a bundle; only: those at its top, no others."""
    places: list[Path] = []
    if only is not None:
        places = [folder / name for name in only if os.path.lexists(folder / name)]
    else:
        for parent, folders, files in os.walk(folder):
            places += [Path(parent) / name for name in files]
            links = [name for name in folders if (Path(parent) / name).is_symlink()]
            if links:
                raise BadBundle(f"{Path(parent) / links[0]} is a link; bundles have none")
            _check_count(path, len(places))
    for place in places:
        if not stat.S_ISREG(place.lstat().st_mode):
            raise BadBundle(f"{place} is no plain file; bundles have no others")
    named = {f"{prefix}{place.relative_to(folder).as_posix()}": place for place in places}
    _check_names(path, named)
    _check_sizes(path, [(name, place.stat().st_size) for name, place in named.items()])
    return {name: place.read_bytes() for name, place in named.items()}


def _check_count(path: Path, count: int) -> None:
    if count > MOST_FILES:
        raise BadBundle(f"{path}: more than {MOST_FILES:,} files")


def _check_names(path: Path, names: Iterable[str]) -> None:
    for name in names:
        if not is_known(name):
            raise BadBundle(f"{path}: {name[:200]!r} is no file of a bundle")


def _check_sizes(path: Path, sizes: list[tuple[str, int]]) -> None:
    for name, size in sizes:
        if size > LARGEST:
            raise BadBundle(f"{path}: {name[:200]!r} has more than {LARGEST >> 20} MB")
    if sum(size for _, size in sizes) > MOST:
        raise BadBundle(f"{path}: more than {MOST >> 20} MB, too much for a bundle")
