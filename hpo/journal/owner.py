"""The owner of a study: a record in its folder, for file systems whose locks do nothing."""

from __future__ import annotations

import functools
import json
import os
import secrets
import signal
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from oneshot_hpo.hpo.journal.process import files_written_by, started, user_of

_PENDING = ("SigPnd:", "ShdPnd:")
_PF_EXITING = 0x4


@dataclass(frozen=True)
class Owner:
    """A process that holds a study."""

    host: str
    """Name of its machine."""
    process: int
    """Its process id there."""
    started: str
    """Its start time in clock ticks since boot, which no other process with this id shares.

    Unlike a time of day, it does not change when a clock is set.
    """
    place: str
    """Boot id of the machine and namespace of processes in which its id is valid."""
    token: str
    """Random mark, new each time that a process takes a study."""
    folder: str | None = None
    """Device and inode of the study's folder as its machine sees it; None in older records."""
    user: int | None = None
    """Its user id; None in older records."""

    @classmethod
    def this_process(cls, folder: Path) -> Owner:
        """This process as the owner of the study in `folder`, with a new token.

        Raises OSError if the folder does not exist.
        """
        process = os.getpid()
        return cls(
            host=socket.gethostname(),
            process=process,
            started=started(process),
            place=_place(),
            token=secrets.token_hex(8),
            folder=_identity(folder),
            user=os.getuid(),
        )

    @classmethod
    def parse(cls, content: bytes) -> Owner | None:
        """The owner that a record names; None if the content is not a complete record.

        Keys of later versions are ignored.
        """
        try:
            document = json.loads(content)
            known = {field.name for field in fields(cls)}
            owner = cls(**{key: value for key, value in document.items() if key in known})
        except (ValueError, TypeError, AttributeError, RecursionError):
            return None
        is_process = type(owner.process) is int and 0 < owner.process < 1 << 31
        return owner if is_process else None

    @property
    def record(self) -> bytes:
        """The content of the owner's record, which `parse` reads."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @property
    def is_local(self) -> bool:
        """Whether the owner shares this process's process ids, so that its state is visible."""
        return (self.host, self.place) == (socket.gethostname(), _place())

    def holds(self, lock: Path) -> bool | None:
        """Whether a local process is alive and holds the study with this lock file.

        False for a record in a copy of a study, or a forged one: it names a process that holds
        another study, or none. None if that is unknown: this user may not see the process's files,
        or the process writes to another file of the folder, whose lock may have been removed.
        """
        if started(self.process) != self.started:
            return False
        if self.user is not None and user_of(self.process) != self.user:
            return False
        try:
            if self.folder is not None and self.folder != _identity(lock.parent):
                return False
            written = files_written_by(self.process)
            if _is_among(lock, written):
                return True
            return None if _is_below(lock.parent, written) else False
        except OSError:
            return None

    @property
    def is_killed(self) -> bool:
        """Whether a local process received SIGKILL; on a busy machine it takes a while to end."""
        try:
            lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
            flags = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[6]
        except OSError:  # it has ended, or this is not Linux
            return False
        masks = [int(line.split()[1], 16) for line in lines if line.startswith(_PENDING)]
        pending = any(mask >> (signal.SIGKILL - 1) & 1 for mask in masks)
        return pending or bool(int(flags) & _PF_EXITING)

    def __str__(self) -> str:
        return f"host {self.host}, process {self.process}"


@functools.cache
def _place() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:  # not Linux
        return ""


def _identity(folder: Path) -> str:
    """Device and inode of a folder: equal for every path to it, different for a copy."""
    status = folder.stat()
    return f"{status.st_dev}:{status.st_ino}"


def _is_among(lock: Path, written: Mapping[tuple[int, int], str]) -> bool:
    """Whether a lock file is one of these files and has no second name."""
    try:
        status = lock.lstat()
    except FileNotFoundError:
        return False
    return status.st_nlink == 1 and (status.st_dev, status.st_ino) in written


def _is_below(folder: Path, written: Mapping[tuple[int, int], str]) -> bool:
    """Whether one of these files is in a folder, or was until it was removed."""
    device = folder.stat().st_dev
    there = {(device, entry.inode()) for entry in os.scandir(folder)}
    if there & written.keys():
        return True
    prefix = f"{folder.resolve()}/"
    return any(path.startswith(prefix) and path.endswith(" (deleted)") for path in written.values())
