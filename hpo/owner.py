"""Who holds a study: a record in its folder, for where the locks of a file system do nothing."""

from __future__ import annotations

import functools
import json
import os
import secrets
import signal
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

_PENDING = ("SigPnd:", "ShdPnd:")
_PF_EXITING = 0x4


@dataclass(frozen=True)
class Owner:
    """A process that holds a study."""

    host: str
    """The name of its machine."""
    process: int
    """Its id there."""
    started: str
    """When it started, in ticks since its machine did: no other process of this id started then.

    Unlike a time of day it stays what it was when a clock is set."""
    place: str
    """In which boot of which machine, and which namespace of processes, its id means it."""
    token: str
    """Its own mark: a process that takes a study twice has two."""

    @classmethod
    def this_process(cls) -> Owner:
        """This process, with a new token."""
        process = os.getpid()
        return cls(socket.gethostname(), process, _started(process), _place(), secrets.token_hex(8))

    @classmethod
    def of(cls, content: bytes) -> Owner | None:
        """Who wrote this record; None if it is not one, say because it is not yet written."""
        try:
            owner = cls(**json.loads(content))
        except (ValueError, TypeError):
            return None
        return owner if isinstance(owner.process, int) and owner.process > 0 else None

    @property
    def record(self) -> bytes:
        """What `of` reads."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @property
    def is_local(self) -> bool:
        """Whether this process can tell if that one lives: they see the same process ids."""
        return (self.host, self.place) == (socket.gethostname(), _place())

    @property
    def lives(self) -> bool:
        """Whether a local process has not ended."""
        try:
            os.kill(self.process, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # another user's
        return _started(self.process) == self.started

    @property
    def is_killed(self) -> bool:
        """Whether a local process got a SIGKILL; on a busy machine it takes a while to end."""
        try:
            lines = Path(f"/proc/{self.process}/status").read_text().splitlines()
            flags = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()[6]
        except OSError:  # ended meanwhile, or no Linux
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
    except OSError:  # no Linux
        return ""


def _started(process: int) -> str:
    """Field 22 of /proc/PID/stat (proc(5)); empty for one that has ended, or on no Linux."""
    try:
        state, *fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state in "ZX" else fields[18]
