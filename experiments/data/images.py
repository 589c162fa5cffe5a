"""Take data sets of images that come as pickles into the data folder."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from oneshot_hpo.experiments.data.archives import opened
from oneshot_hpo.experiments.data.image_sets import ImageSet
from oneshot_hpo.experiments.data.tar_reader import Member, Readable, TarFault
from oneshot_hpo.experiments.errors import DataError
from oneshot_hpo.searchers.data.images import DatasetError
from oneshot_hpo.searchers.data.pickled_images import LARGEST, PickledImages

SOURCE = "source.json"
"""Beside the official files: where they came from."""

_PIECE = 1 << 20


def import_images(
    images: ImageSet,
    source: Path,
    target: Path,
    *,
    replace: bool,
    on_progress: Callable[[int, int], object],
) -> str:
    """Copy the official files to a folder `target`, all or none; what they hold, in words.

    source: an archive of them, a folder of them, or a folder around that one.
    replace: also in place of files that are intact.
    on_progress: bytes of the source done, and in all. Raises DatasetError for files that are not
    those of the data set, DataError where `replace` is needed, OSError for a disk that is full or
    unreadable.
    """
    settle(target)
    new, old = _temporaries(target)

    try:
        new.mkdir()
        copy = _copy_folder if source.is_dir() else _unpack
        sums = copy(images, source, new, on_progress)
        try:
            data = images.read(new)
        except DatasetError as error:
            theirs = images.files_folder(source) if source.is_dir() else source
            raise DatasetError(str(error).replace(str(new), str(theirs))) from None

        origin = {
            "file": source.absolute().name,
            "official": sums == images.official,
            "date": time.strftime("%Y-%m-%d"),
        }
        (new / SOURCE).write_text(json.dumps(origin) + "\n", encoding="utf-8")

        if not replace and is_intact(images, target):
            raise DataError(
                f"{images.title} is in {target.parent} already, and was kept; --replace puts "
                f"{source} in its place"
            )
        if target.exists():
            target.rename(old)
        new.rename(target)
    finally:
        settle(target)

    summary = f"{images.title}: {image_counts(data)}"
    return summary if origin["official"] else f"{summary}; not the official files (other MD5 sums)"


def image_counts(data: PickledImages) -> str:
    """The numbers of images, in words."""
    return f"{len(data.train):,} training and {len(data.test):,} test images"


def is_intact(images: ImageSet, folder: Path) -> bool:
    """Whether a folder has all files of a data set, whole."""
    try:
        images.read(folder)
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
    images: ImageSet, source: Path, new: Path, on_progress: Callable[[int, int], object]
) -> dict[str, str]:
    """Copy those of the official files that a folder has; their MD5 sums by name."""
    paths = images.files_in(source)
    sizes = {path: path.stat().st_size for path in paths}
    for path, size in sizes.items():
        if size > LARGEST:
            raise DatasetError(f"{path}: too large for a file of {images.title}")
    done, total = 0, sum(sizes.values())

    def copied(count: int) -> None:
        nonlocal done
        done += count
        on_progress(done, total)

    sums = {}
    for path in paths:
        with path.open("rb") as stream:
            sums[path.name] = _copy(stream, new / path.name, copied)
    return sums


def _unpack(
    images: ImageSet, source: Path, new: Path, on_progress: Callable[[int, int], object]
) -> dict[str, str]:
    """Copy the official files out of an archive, and nothing else; their MD5 sums by name."""
    sums = {}
    total = source.stat().st_size
    try:
        with opened(source, len(images.official) * LARGEST) as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                if name in images.official and not member.is_folder:
                    _check_member(images, source, name, member)
                    sums[name] = _copy(
                        member, new / name, lambda _: on_progress(archive.position, total)
                    )
            archive.read_to_end()
    except TarFault as error:
        reason = " ".join(str(error).split())
        raise DatasetError(f"{source}: damaged, or not {images.archive} ({reason})") from None
    on_progress(total, total)
    return sums


def _check_member(images: ImageSet, source: Path, name: str, member: Member) -> None:
    """Raise DatasetError unless a member of an archive can be a file of a data set."""
    if not member.is_file:
        raise DatasetError(f"{source}: {name} is a link in it, or no plain file; pack the files")
    if member.size > LARGEST:
        raise DatasetError(f"{source}: {name} is too large for a file of {images.title}")


def _copy(stream: Readable, path: Path, copied: Callable[[int], object]) -> str:
    """Write a file through to the disk, reporting how many bytes each piece has; its MD5."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("wb") as file:
        while piece := stream.read(_PIECE):
            digest.update(piece)
            file.write(piece)
            copied(len(piece))
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()
