"""Every change that a process makes to the files of a folder, and a fault injected at one of them.

Python changes files through the module `os`, except `io`, which is replaced here by its Python
version `_pyio`: so the functions of `os` see everything. A test compares them with strace. C code
that writes files itself would not be seen; there is none in a study's folder. Only the main thread
counts, which makes all decisions: Dask's threads log at any time.
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
"""The end of the name of a folder that was moved away."""
NEED_SPACE = ("open", "write", "mkdir", "replace", "rename", "link", "symlink")


class Operation(NamedTuple):
    """One change: its number in the process's life, what it does, and to which file."""

    number: int
    name: str
    path: str


@dataclass(frozen=True)
class Fault:
    """A fault injected at operation number `at`.

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
    """Sees the changes of this process to files under `folder`, once it is installed."""

    def __init__(self, folder: Path, fault: Fault | None) -> None:
        self._folder = str(folder)
        self._fault = fault
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
                return self._with_fault(real, name, path, args, kwargs)
            finally:
                self._busy = False

        setattr(os, name, intercepted)

    def _with_fault(
        self, real: Callable[..., Any], name: str, path: str, args: Any, kwargs: Any
    ) -> Any:
        operation = Operation(len(self.operations), name, path)
        self.operations.append(operation)

        fault = self._fault
        here = fault is not None and operation.number == fault.at
        later = fault is not None and operation.number > fault.at
        if here or later:
            assert fault is not None
            if here and fault.kind.startswith("power cut"):
                self._durable.restore(names_too=fault.kind.endswith("names too"))
                _die()
            if here and fault.kind == "before":
                _die()
            if here and name == "write" and fault.kind in ("half", "full"):
                written = real(args[0], args[1][: len(args[1]) // 2])
                if fault.kind == "half":
                    _die()
                return written
            if fault.kind == "full" and name in NEED_SPACE:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
            if fault.kind == "errors" or (here and fault.kind == "error"):
                raise OSError(fault.error, os.strerror(fault.error), path)
            if here and fault.kind == "vanish":
                Path(self._folder).rename(self._folder + VANISHED)
            if fault.kind == "slow" and name == "fsync":
                time.sleep(SLOW_SECONDS)

        try:
            return self._done(real, name, path, args, kwargs)
        finally:  # also of what fails, as the removal of a file that is not there
            if here and fault is not None and fault.kind == "after":
                _die()

    def _done(self, real: Callable[..., Any], name: str, path: str, args: Any, kwargs: Any) -> Any:
        """Call the real function, and note what becomes durable."""
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
