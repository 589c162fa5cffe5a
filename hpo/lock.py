"""One master per study."""

from __future__ import annotations

import fcntl
import os
import re
import socket
from pathlib import Path

from filelock import FileLock, Timeout

from hpo.errors import StudyLocked, StudyUnwritable

LOCK_NAME = "lock"


class StudyLock:
    """The lock of a study's folder, held from creation until `release` or the end of the process.

    The operating system frees it when its holder dies, however that happens. The file says who
    holds it: host and process id. Raises StudyLocked when it is taken, StudyUnwritable when there
    can be none.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / LOCK_NAME
        self._lock = FileLock(path, thread_local=False)
        holder = f"host {socket.gethostname()}, process {os.getpid()}\n"
        try:
            self._lock.acquire(timeout=0.5)  # a status command looks at it for a moment
            path.write_text(holder, encoding="utf-8")
        except Timeout:
            raise StudyLocked(
                f"{folder} is held by another master ({_holder(path)}): stop it or wait for its end"
            ) from None
        except OSError as error:
            self._lock.release()
            reason = error.strerror or error
            raise StudyUnwritable(f"{folder} cannot be written: {reason}") from None

    def release(self) -> None:
        """Lets another master in. Calling it again does nothing."""
        self._lock.release()


def is_held(folder: Path) -> bool:
    """Whether a master that this machine's locks know of holds the study."""
    try:
        with (folder / LOCK_NAME).open("rb") as file:
            # Shared, and only for this moment: it is not in the way of a master for long.
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    return False


def holder_here(folder: Path) -> int | None:
    """The process on this host that holds the study, if one does."""
    match = re.fullmatch(r"host (\S+), process (\d+)", _holder(folder / LOCK_NAME))
    if match is None or match[1] != socket.gethostname() or not is_held(folder):
        return None
    return int(match[2])


def _holder(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace").strip() or "unknown"
    except OSError:
        return "unknown"
