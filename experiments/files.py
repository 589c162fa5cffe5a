"""Checks that a study's own files are not links: nothing is written or removed through a link.

A folder that somebody else created may hold a symbolic link in place of a log or an export. The
study's folder itself may be reached through links, and links with other names are the user's.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

from oneshot_hpo.experiments.errors import UserError


def check_own_files(folder: Path, names: Iterable[str]) -> None:
    """Raise UserError if anything at these names, or below them, is not a file or folder."""
    for words in strange_files(folder, names):
        raise UserError(
            f"{words}, and nothing is written through it: replace it by its target, or "
            "remove it; a link to the whole folder can be used"
        )


def strange_files(folder: Path, names: Iterable[str]) -> Iterator[str]:
    """Links and special files at these names in a folder, or below them, in words."""
    for name in names:
        try:
            mode = (folder / name).lstat().st_mode
        except OSError:
            continue
        if stat.S_ISLNK(mode):
            yield _link(folder / name)
        elif stat.S_ISDIR(mode):
            yield from _below(folder / name)
        elif not stat.S_ISREG(mode):
            yield _no_file(folder / name)


def _below(folder: Path) -> Iterator[str]:
    with os.scandir(folder) as found:
        entries = sorted(found, key=lambda entry: entry.name)
    for entry in entries:
        path = Path(entry.path)
        if entry.is_symlink():
            yield _link(path)
        elif entry.is_dir(follow_symlinks=False):
            yield from _below(path)
        elif not entry.is_file(follow_symlinks=False) and os.path.lexists(path):
            yield _no_file(path)


def _link(path: Path) -> str:
    return f"{path} is a symbolic link, to {path.readlink()}"


def _no_file(path: Path) -> str:
    return f"{path} is neither a file nor a folder"
