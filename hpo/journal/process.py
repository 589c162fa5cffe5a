"""Facts about a process on this machine, from /proc (proc(5))."""

from __future__ import annotations

import os
import stat
from pathlib import Path


def started(process: int) -> str:
    """Start time of a process, in clock ticks since boot (field 22 of /proc/PID/stat).

    Empty if it has ended, and outside Linux.
    """
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else fields[18]


def user_of(process: int) -> int | None:
    """Real user id of a process; None if it has ended, and outside Linux."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("Uid:")), None)


def files_written_by(process: int) -> dict[tuple[int, int], str]:
    """Files that a process has open for writing: {(device, inode): path as it was opened}.

    The path of a removed file ends with " (deleted)". Raises OSError if this user may not see the
    process's files, or it has ended.
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
