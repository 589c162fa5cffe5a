"""Every change that a process makes to the files of a folder, and a blow that falls at one of them.

All of Python's ways to a file end in the module `os`, but for those of `io`, whose twin in Python,
`_pyio`, takes its place here: so the functions of `os` see everything. That they do is held to by a
test against strace. Code in C that writes files of its own accord would not be seen; there is none
in a study's folder. Only the main thread counts, which makes all decisions: Dask's threads log when
they like.
"""

from __future__ import annotations

import _pyio  # type: ignore[import-not-found]
import builtins
import errno
import io
import os
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from oneshot_hpo.experiments.benchmarks.survival.durable import DurableFiles

NAMES = ("replace", "rename", "link", "symlink", "unlink", "remove", "rmdir", "mkdir", "chmod")
"""Functions of os that change names; their first argument is a path."""
CONTENTS = ("write", "fsync", "fdatasync", "ftruncate")
"""Those that change contents, or make them last; their first argument is a file descriptor."""
SLOW_SECONDS = 0.2
VANISHED = ".vanished"
"""What the name of a folder ends with that was moved away."""
NEED_SPACE = ("open", "write", "mkdir", "replace", "rename", "link", "symlink")


class Operation(NamedTuple):
    """One change: its number in the process's life, what it does, and to which file."""

    number: int
    name: str
    path: str


@dataclass(frozen=True)
class Blow:
    """What happens at operation number `at`.

    before, after: the process is killed (SIGKILL). half: it is killed when half of the bytes are
    written. power cut: before the operation everything is lost that was not fsynced, names kept;
    power cut, names too: and new names in folders that were not. full: from here on no space is
    left; the first write writes half. error: it fails with `error`. errors: so does every one from
    here on. slow: from here on each fsync takes SLOW_SECONDS. vanish: the folder is moved away.
    """

    kind: str
    at: int
    error: int = 0


class Interception:
    """From its installation on, the changes of this process to files under `folder`."""

    def __init__(self, folder: Path, blow: Blow | None) -> None:
        self._folder = str(folder)
        self._blow = blow
        self._busy = False
        self._durable = DurableFiles(folder)
        self.operations: list[Operation] = []

    def install(self) -> None:
        """Put it in place, for the rest of this process's life."""
        for name in NAMES:
            self._wrap(name, lambda path, *_, dir_fd=None, **__: _text(path, dir_fd))
        for name in CONTENTS:
            self._wrap(name, lambda file, *_, **__: _path_of(file))
        self._wrap("open", self._created)
        io.open = builtins.open = _pyio.open

    def stop(self) -> None:
        """See nothing more."""
        self._busy = True

    def _wrap(self, name: str, path_of: Callable[..., str]) -> None:
        real = getattr(os, name)

        def intercepted(*args: Any, **kwargs: Any) -> Any:
            if self._busy or threading.current_thread() is not threading.main_thread():
                return real(*args, **kwargs)
            self._busy = True
            try:
                path = path_of(*args, **kwargs)
                if path != self._folder and not path.startswith(self._folder + os.sep):
                    return real(*args, **kwargs)
                return self._struck(real, name, path, args, kwargs)
            finally:
                self._busy = False

        setattr(os, name, intercepted)

    def _struck(
        self, real: Callable[..., Any], name: str, path: str, args: Any, kwargs: Any
    ) -> Any:
        operation = Operation(len(self.operations), name, path)
        self.operations.append(operation)
        blow = self._blow
        here = blow is not None and operation.number == blow.at
        later = blow is not None and operation.number > blow.at
        if here or later:
            assert blow is not None
            if here and blow.kind.startswith("power cut"):
                self._durable.restore(names_too=blow.kind.endswith("names too"))
                _die()
            if here and blow.kind == "before":
                _die()
            if here and name == "write" and blow.kind in ("half", "full"):
                written = real(args[0], args[1][: len(args[1]) // 2])
                if blow.kind == "half":
                    _die()
                return written
            if blow.kind == "full" and name in NEED_SPACE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            if blow.kind == "errors" or (here and blow.kind == "error"):
                raise OSError(blow.error, os.strerror(blow.error), path)
            if here and blow.kind == "vanish":
                Path(self._folder).rename(self._folder + VANISHED)
            if blow.kind == "slow" and name == "fsync":
                time.sleep(SLOW_SECONDS)
        result = self._done(real, name, path, args, kwargs)
        if here and blow is not None and blow.kind == "after":
            _die()
        return result

    def _done(self, real: Callable[..., Any], name: str, path: str, args: Any, kwargs: Any) -> Any:
        """Do it, and take down what of it lasts."""
        if name in ("unlink", "remove", "replace", "rename"):
            self._durable.keep(_text(args[-1], kwargs.get("dir_fd")))
        made = name == "open" and not os.path.lexists(path)
        result = real(*args, **kwargs)
        if made:
            self._durable.created(path)
        elif name in ("fsync", "fdatasync"):
            self._durable.synced(path)
        return result

    def _created(self, path: Any, flags: int, *_: Any, **__: Any) -> str:
        """The path of what is opened, if that may change anything."""
        changing = flags & os.O_TRUNC or (flags & os.O_CREAT and not os.path.lexists(path))
        return _text(path) if changing else ""


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _text(path: Any, folder: int | None = None) -> str:
    """A path without links resolved, for it is the link that changes."""
    if isinstance(path, int):
        return _path_of(path)
    return str(Path(_path_of(folder) if folder is not None else Path.cwd()) / os.fsdecode(path))


def _path_of(file: int) -> str:
    try:
        return str(Path(f"/proc/self/fd/{file}").readlink())
    except OSError:
        return ""
