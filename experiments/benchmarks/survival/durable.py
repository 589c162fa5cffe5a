"""The state of a folder after a power cut: the contents and names that fsync made durable.

A model of the worst that a file system may do by POSIX: contents last from the fsync of their file,
names from the fsync of their folder.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

_Inode = tuple[int, int]


class DurableFiles:
    """A folder as it would be after a power cut; all that is there at first has lasted."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._contents: dict[_Inode, bytes] = {}
        self._names: dict[Path, dict[str, _Inode]] = {}
        self._held: list[int] = []
        for path in [folder, *folder.rglob("*")] if folder.exists() else []:
            if path.is_dir():
                self._sync_folder(path)
            else:
                self._contents[_inode(path)] = path.read_bytes()

    def keep(self, path: str) -> None:
        """A name is about to go: its inode stays, so that no other file gets its number."""
        if Path(path).is_file():
            self._held.append(os.open(path, os.O_RDONLY))

    def created(self, path: str) -> None:
        """A file was made; nothing of it lasts yet."""
        self._contents[_inode(Path(path))] = b""

    def synced(self, path: str) -> None:
        """A file or folder was fsynced."""
        where = Path(path)
        if where.is_dir():
            self._sync_folder(where)
        elif where.exists():
            self._contents[_inode(where)] = where.read_bytes()

    def restore(self, *, names_too: bool) -> None:
        """Make the folder what a power cut leaves; without `names_too` all names last."""
        if names_too:
            left = {
                folder / name: self._contents[inode]
                for folder, names in self._names.items()
                for name, inode in names.items()
                if inode in self._contents
            }
            shutil.rmtree(self._folder, ignore_errors=True)
        else:
            files = [path for path in self._folder.rglob("*") if not path.is_dir()]
            left = {path: self._contents.get(_inode(path), b"") for path in files}
        for path, content in left.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    def _sync_folder(self, folder: Path) -> None:
        self._names[folder] = {path.name: _inode(path) for path in folder.iterdir()}


def _inode(path: Path) -> _Inode:
    status = path.lstat()
    return status.st_dev, status.st_ino
