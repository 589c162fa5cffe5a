"""Take CIFAR-10's Python version into the data folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import zlib
from collections.abc import Callable
from gzip import BadGzipFile, GzipFile
from pathlib import Path, PurePosixPath
from typing import Any

from oneshot_hpo.experiments.data.tar_reader import Member, Readable, TarFault, members
from oneshot_hpo.experiments.errors import DataError
from oneshot_hpo.searchers.data.cifar10 import FILES, Cifar10, files_folder, read_cifar10
from oneshot_hpo.searchers.data.images import DatasetError
from oneshot_hpo.searchers.data.pickled_images import LARGEST

SOURCE = "source.json"
"""Beside the official files: where they came from."""

_OFFICIAL = {
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
}
"""MD5 of the files in the official archive, as torchvision's datasets/cifar.py lists them."""

_PIECE = 1 << 20


def import_cifar10(
    source: Path, target: Path, *, replace: bool, on_progress: Callable[[int, int], object]
) -> str:
    """Copy the official files to a folder `target`, all or none; what they hold, in words.

    source: cifar-10-python.tar.gz, a folder of its files, or a folder around that one.
    replace: also in place of files that are intact.
    on_progress: bytes of the source done, and in all. Raises DatasetError for files that are not
    CIFAR-10's, DataError where `replace` is needed, OSError for a disk that is full or unreadable.
    """
    settle(target)
    new, old = _temporaries(target)

    try:
        new.mkdir()
        copy = _copy_folder if source.is_dir() else _unpack
        sums = copy(source, new, on_progress)
        try:
            data = read_cifar10(new)
        except DatasetError as error:
            raise DatasetError(str(error).replace(str(new), str(source))) from None

        origin = {
            "file": source.absolute().name,
            "official": sums == _OFFICIAL,
            "date": time.strftime("%Y-%m-%d"),
        }
        (new / SOURCE).write_text(json.dumps(origin) + "\n", encoding="utf-8")

        if not replace and is_cifar10(target):
            raise DataError(
                f"CIFAR-10 is in {target.parent} already, and was kept; --replace puts {source} "
                "in its place"
            )
        if target.exists():
            target.rename(old)
        new.rename(target)
    finally:
        settle(target)

    summary = f"CIFAR-10: {image_counts(data)}"
    return summary if origin["official"] else f"{summary}; not the official files (other MD5 sums)"


def image_counts(data: Cifar10) -> str:
    """The numbers of images, in words."""
    return f"{len(data.train):,} training and {len(data.test):,} test images"


def is_cifar10(folder: Path) -> bool:
    """Whether a folder has all of CIFAR-10's files, whole."""
    try:
        read_cifar10(folder)
    except (DatasetError, OSError):
        return False
    return True


def settle(target: Path) -> None:
    """Remove what a killed import left; put back the old files if it had moved them away."""
    new, old = _temporaries(target)
    if old.exists() and not target.exists():
        old.rename(target)
    for leftover in (new, old):
        if leftover.is_symlink():
            leftover.unlink()
        elif leftover.exists():
            shutil.rmtree(leftover)


def origin_of(folder: Path) -> dict[str, Any]:
    """The origin that an import noted: file, official, date; empty if there is none."""
    try:
        origin = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
        return {key: origin[key] for key in ("file", "official", "date")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _temporaries(target: Path) -> tuple[Path, Path]:
    return target.with_name(f".{target.name}.new"), target.with_name(f".{target.name}.old")


def _copy_folder(
    source: Path, new: Path, on_progress: Callable[[int, int], object]
) -> dict[str, str]:
    """Copy those of the official files that a folder has; their MD5 sums by name."""
    paths = [files_folder(source) / name for name in FILES]
    paths = [path for path in paths if path.is_file()]
    done, total = 0, sum(path.stat().st_size for path in paths)

    def copied(count: int) -> None:
        nonlocal done
        done += count
        on_progress(done, total)

    sums = {}
    for path in paths:
        with path.open("rb") as stream:
            sums[path.name] = _copy(stream, new / path.name, copied)
    return sums


def _unpack(source: Path, new: Path, on_progress: Callable[[int, int], object]) -> dict[str, str]:
    """Copy the official files out of an archive, and nothing else; their MD5 sums by name."""
    sums = {}
    total = source.stat().st_size
    try:
        with (
            source.open("rb") as compressed,
            GzipFile(fileobj=compressed) as unpacked,
        ):
            plain = _BoundedArchive(unpacked, source)
            for member in members(plain):
                name = PurePosixPath(member.name).name
                if name in FILES and not member.is_folder:
                    _check_member(source, name, member)
                    sums[name] = _copy(
                        member, new / name, lambda _: on_progress(compressed.tell(), total)
                    )
            while plain.read(_PIECE):  # gzip's own checksum follows the archive's end
                pass
    except (TarFault, EOFError, zlib.error, BadGzipFile) as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{source}: damaged, or not cifar-10-python.tar.gz ({reason})") from None
    return sums


class _BoundedArchive:
    """An unpacked archive, read up to a size that no archive of CIFAR-10 has."""

    def __init__(self, unpacked: GzipFile, source: Path) -> None:
        self._unpacked = unpacked
        self._source = source
        self._left = len(FILES) * LARGEST

    def read(self, size: int) -> bytes:
        """The next bytes. Raises DatasetError."""
        piece = self._unpacked.read(size)
        self._left -= len(piece)
        if self._left < 0:
            raise DatasetError(f"{self._source}: unpacks to too much for CIFAR-10")
        return piece


def _check_member(source: Path, name: str, member: Member) -> None:
    """Raise DatasetError unless a member of an archive can be a file of CIFAR-10."""
    if not member.is_file:
        raise DatasetError(f"{source}: {name} is a link in it, or no plain file; pack the files")
    if member.size > LARGEST:
        raise DatasetError(f"{source}: {name} is too large for a file of CIFAR-10")


def _copy(stream: Readable, path: Path, copied: Callable[[int], object]) -> str:
    """Write a file through to the disk, telling how many bytes each piece has; its MD5."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            file.write(piece)
            copied(len(piece))
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
