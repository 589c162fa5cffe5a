"""What Linux says of a process on this machine, in /proc (proc(5))."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def started(process: int) -> str:
    """When it started, in ticks since its machine did (field 22 of /proc/PID/stat).

    Empty for one that has ended, and on no Linux.
    """
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else fields[18]


def user_of(process: int) -> int | None:
    """The real user id that it runs as; None for one that has ended, and on no Linux."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("Uid:")), None)


def files_written_by(process: int) -> dict[tuple[int, int], str]:
    """Device and inode of every file that it has open to write, and the path as it was opened.

    The path of a file that was removed ends with " (deleted)". OSError: that is not for this user
    to see, or the process has ended.
    """
    folder = Path(f"/proc/{process}")
    files = {}
    for descriptor in (folder / "fd").iterdir():
        try:
            status, path = descriptor.stat(), str(descriptor.readlink())
            details = (folder / "fdinfo" / descriptor.name).read_text()
        except FileNotFoundError:  # closed meanwhile
            continue
        flags = next(line.split()[1] for line in details.splitlines() if line.startswith("flags:"))
        if stat.S_ISREG(status.st_mode) and int(flags, 8) & os.O_ACCMODE != os.O_RDONLY:
            files[status.st_dev, status.st_ino] = path
    return files
