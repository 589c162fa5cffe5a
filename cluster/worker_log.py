"""A worker's log file of bounded size."""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import sys
import threading
import time
from pathlib import Path

MOST_BYTES = 16 * 2**20
"""A longer log is cut to its end."""
KEPT_BYTES = 2**18
CUT = "[earlier output was cut off: the size of this log is limited]"
"""First line of a log that was cut."""
CHECK_SECONDS = 0.5
_LAST_LINES = 8
_LAST_BYTES = 8192


def bound_output() -> None:
    """Bound the file that this process prints into, in a thread, until the process ends.

    This includes the output of children. An output that is not a file is left alone.
    """
    descriptor = sys.stdout.fileno()
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return
    # Writers continue at the new end after a cut.
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_APPEND)
    threading.Thread(target=_watch, args=(descriptor,), name="log", daemon=True).start()


def log_tail(path: Path) -> str:
    """The last lines of a log; empty if it does not exist."""
    try:
        lines = _last_bytes(path, _LAST_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-_LAST_LINES:])


def bound_log(path: Path) -> None:
    """Cut the log of a dead worker, which may have printed much just before its end."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
        try:
            bound(descriptor, path)
        finally:
            os.close(descriptor)


def _watch(descriptor: int) -> None:
    while True:
        time.sleep(CHECK_SECONDS)
        with contextlib.suppress(OSError):  # a full disk, or the process ends
            bound(descriptor, Path(f"/proc/self/fd/{descriptor}"))


def bound(descriptor: int, path: Path) -> None:
    """Cut a long file to its last KEPT_BYTES; a line printed meanwhile may be lost."""
    if os.fstat(descriptor).st_size <= MOST_BYTES:
        return
    kept = _last_bytes(path, KEPT_BYTES)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{CUT}\n".encode() + kept)


def _last_bytes(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - number))
        return file.read(number)
