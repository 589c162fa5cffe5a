"""A worker's log file, whose size is bounded however much is printed."""

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
"""A log that is longer is cut to its end."""
KEPT_BYTES = 2**18
CUT = "[what stood here was cut off: more was printed than is kept]"
"""The first line of a log that was cut."""
CHECK_SECONDS = 0.5
_LAST_LINES = 8
_LAST_BYTES = 8192


def bound_output() -> None:
    """Keep the file that this process prints into short, in a thread, as long as it lives.

    Children that print into the same file are bound with it. What is no file is left alone.
    """
    descriptor = sys.stdout.fileno()
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        return
    # Who goes on writing after the cut writes at the new end.
    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags | os.O_APPEND)
    threading.Thread(target=_watch, args=(descriptor,), name="log", daemon=True).start()


def log_tail(path: Path) -> str:
    """The last lines of a log, empty if there is none."""
    try:
        lines = _last_bytes(path, _LAST_BYTES).decode(errors="replace").splitlines()
    except OSError:
        return ""
    return "\n".join(lines[-_LAST_LINES:])


def bound_log(path: Path) -> None:
    """Cut the log of a worker that has died, which may have printed much in its last moment."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
        try:
            bound(descriptor, path)
        finally:
            os.close(descriptor)


def _watch(descriptor: int) -> None:
    while True:
        time.sleep(CHECK_SECONDS)
        with contextlib.suppress(OSError):  # a full disk, or the end of the process
            bound(descriptor, Path(f"/proc/self/fd/{descriptor}"))


def bound(descriptor: int, path: Path) -> None:
    """Leave the last KEPT_BYTES of a long file; a line that is printed meanwhile may be lost."""
    if os.fstat(descriptor).st_size <= MOST_BYTES:
        return
    kept = _last_bytes(path, KEPT_BYTES)
    os.ftruncate(descriptor, 0)
    os.write(descriptor, f"{CUT}\n".encode() + kept)


def _last_bytes(path: Path, number: int) -> bytes:
    with path.open("rb") as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - number))
        return file.read(number)
