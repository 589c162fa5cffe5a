"""One master per study, also on file systems whose locks do nothing.

Two mechanisms keep a second master out. The first is flock(2): the kernel frees it when its holder
dies, but on some network file systems it works within one host only, or not at all. The second is a
record of the owner, created with O_EXCL (atomic on NFS, too) and touched every few seconds. On the
owner's host, its process shows whether it is alive. On other hosts, the record is watched for
longer than a live master would leave it untouched, so clocks are never compared. An owner that was
suspended meanwhile finds another owner's record before it writes.

Whoever can open a file can lock it, so only users who may write in the folder can open the two
files. A lock file that others could open (as earlier versions made it), or that cannot be opened,
is replaced.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import logging
import os
import secrets
import signal
import stat
import threading
import time
from pathlib import Path

from oneshot_hpo.hpo.errors import StudyLocked, StudyUnwritable
from oneshot_hpo.hpo.journal.own_file import open_own
from oneshot_hpo.hpo.journal.owner import Owner

LOCK_NAME = "lock"
OWNER_NAME = "lock.owner"

HEARTBEAT_SECONDS = 5.0
"""Interval at which a master touches its record."""
STALE_SECONDS = 120.0
"""How long a record of another host is watched until its owner counts as dead.

Only time distinguishes a dead host from a busy one or a slow network.
"""
ENDING_SECONDS = 60.0
"""How long the lock of a process that has ended may remain, until its memory is freed."""
UNWRITTEN_SECONDS = 1.0
"""How long an empty record is watched: its process may have been killed before filling it.

A live process that takes longer finds that its record was removed, and is refused.
"""

_UNREADABLE = b"?"
"""Placeholder for the content of a record that this user may not read."""

_LONGEST_RECORD = 1 << 16
"""Most bytes that are read; a record has a few hundred."""
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)

_logger = logging.getLogger(__name__)


class StudyLock:
    """The lock of a study's folder, held from creation until `release` or the end of the process.

    Raises StudyLocked if another master holds it, StudyUnwritable if it cannot be created. Takes
    STALE_SECONDS if a master on another host died without releasing it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = folder / OWNER_NAME
        self._record = b""
        self._released = threading.Event()
        self._file = -1
        try:
            self._record = Owner.this_process(folder).record
            self._open()
            self._take_flock()
            self._take_record()
        except OSError as error:
            self.release()
            reason = error.strerror or error
            raise StudyUnwritable(f"{folder} cannot be written: {reason}") from None
        except BaseException:
            self.release()
            raise
        threading.Thread(target=self._beat, name="study lock", daemon=True).start()

    def check(self) -> None:
        """Raise StudyLocked if this process no longer holds the study."""
        if not self._is_ours():
            raise StudyLocked(
                f"{self._folder} is no longer held by this process: another master took it over "
                f"({holder(self._folder)}), or the folder was removed"
            )

    def release(self) -> None:
        """Release the lock. A second call does nothing."""
        if self._file < 0:
            return
        self._released.set()
        with contextlib.suppress(OSError):
            if self._is_ours():
                self._path.unlink()
        os.close(self._file)
        self._file = -1

    def _open(self) -> None:
        """Open the lock file; note whether users who may not write here could have it open."""
        path = self._folder / LOCK_NAME
        self._strangers = False
        try:
            self._file = open_own(path, os.O_RDWR | os.O_CREAT, 0o600)
        except PermissionError:  # another user's, e.g. of a group that shares the folder
            if not self._is_abandoned():
                raise self._refused() from None
            self._replace_lock()
        else:
            self._strangers = _restrict(self._file, self._folder)

    def _replace_lock(self) -> None:
        """Replace the lock file; meanwhile the record keeps a second master out."""
        path = self._folder / LOCK_NAME
        draft = path.with_name(f"{LOCK_NAME}.{secrets.token_hex(4)}.new")
        file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            _restrict(file, self._folder)
            draft.replace(path)
        except OSError:
            os.close(file)
            draft.unlink(missing_ok=True)
            raise
        if self._file >= 0:
            os.close(self._file)
        self._file, self._strangers = file, False

    def _take_flock(self) -> None:
        end = time.monotonic() + ENDING_SECONDS
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._holder_stays():
                    raise self._refused() from None
                if self._strangers and self._is_abandoned():
                    self._replace_lock()
                elif time.monotonic() > end:
                    raise self._refused() from None
                else:
                    time.sleep(0.025)
            except OSError as error:
                if error.errno not in _NO_LOCKS:
                    raise
                return
            else:
                return

    def _holder_stays(self) -> bool:
        """Whether a master is known to hold the study and has not just been killed."""
        look = _look(self._path)
        owner = Owner.parse(look[0]) if look else None
        killed = owner is not None and owner.is_local and owner.is_killed
        return is_held(self._folder) and not killed

    def _take_record(self) -> None:
        while True:
            try:
                file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                if not self._is_abandoned():
                    raise self._refused() from None
                self._path.unlink(missing_ok=True)
            else:
                break
        try:
            with os.fdopen(file, "wb") as record:
                _restrict(record.fileno(), self._folder)
                record.write(self._record)
        except OSError:
            self._path.unlink(missing_ok=True)
            raise
        if not self._is_ours():  # this process was slow, and another one removed its empty record
            raise self._refused()

    def _is_abandoned(self) -> bool:
        """Whether the owner of the record has ended; takes up to STALE_SECONDS."""
        before = _look(self._path)
        if before is None:
            return True
        owner = Owner.parse(before[0])
        if owner is not None and owner.is_local:
            return owner.holds(self._folder / LOCK_NAME) is False
        patience = STALE_SECONDS if before[0] == _UNREADABLE else UNWRITTEN_SECONDS
        if owner is not None:
            patience = STALE_SECONDS
            _logger.warning(
                "%s was held by another master (%s) and not released; it is watched for %.0f s",
                self._folder,
                owner,
                patience,
            )
        end = time.monotonic() + patience
        while time.monotonic() < end:
            time.sleep(patience / 30)
            now = _look(self._path)
            if now != before:
                return now is None
        return True

    def _is_ours(self) -> bool:
        look = _look(self._path)
        return look is not None and look[0] == self._record

    def _beat(self) -> None:
        while not self._released.wait(HEARTBEAT_SECONDS):
            with contextlib.suppress(OSError):  # `check` reports it before the next write
                if self._is_ours():
                    os.utime(self._path, follow_symlinks=False)

    def _refused(self) -> StudyLocked:
        return StudyLocked(
            f"{self._folder} is held by another master ({holder(self._folder)}): stop it, or wait "
            "until it ends"
        )


def holder(folder: Path) -> str:
    """A description of the process that holds or held the study."""
    look = _look(folder / OWNER_NAME)
    return str((look and Owner.parse(look[0])) or "unknown")


def is_held(folder: Path) -> bool:
    """Whether a master holds the study; for one on another host, as far as the clocks agree."""
    look = _look(folder / OWNER_NAME)
    if look is None:
        return False
    owner = Owner.parse(look[0])
    if owner is not None and owner.is_local:
        return owner.holds(folder / LOCK_NAME) is not False
    return time.time() - look[1] / 1e9 < STALE_SECONDS


def holder_here(folder: Path) -> int | None:
    """The process on this host that holds the study, as far as this user can see."""
    owner = _owner_here(folder)
    return None if owner is None else owner.process


def end_holder(folder: Path) -> int | None:
    """Send SIGTERM to the process on this host that holds the study; its id, None if none does.

    StudyLocked: another user's process holds the study, or it is not certain that the process is a
    master; it is left alone.
    """
    look = _look(folder / OWNER_NAME)
    if look is not None and look[0] == _UNREADABLE and is_held(folder):
        user = (folder / OWNER_NAME).lstat().st_uid
        raise StudyLocked(f"{folder} is held by a master of user {user}: only that user can end it")

    owner = _owner_here(folder)
    if owner is None:
        return None

    try:
        # Unlike its number, the descriptor never means another process.
        process = os.pidfd_open(owner.process)
    except ProcessLookupError:
        return None
    except (OSError, AttributeError):  # an old kernel, or not Linux
        process = None

    try:
        held = owner.holds(folder / LOCK_NAME)
        if held is None:
            raise StudyLocked(
                f"{folder} may be held by process {owner.process} of this host, but this user "
                f"cannot see whether it is a master: if it is, end it with kill {owner.process}"
            )
        if not held:
            return None
        _terminate(owner.process, process)
    finally:
        if process is not None:
            os.close(process)

    return owner.process


def _terminate(process: int, descriptor: int | None) -> None:
    """Send SIGTERM to a process, which may have ended meanwhile."""
    with contextlib.suppress(ProcessLookupError):
        if descriptor is None:
            os.kill(process, signal.SIGTERM)
        else:
            signal.pidfd_send_signal(descriptor, signal.SIGTERM)


def _owner_here(folder: Path) -> Owner | None:
    look = _look(folder / OWNER_NAME)
    owner = look and Owner.parse(look[0])
    if not owner or not owner.is_local:
        return None
    return None if owner.holds(folder / LOCK_NAME) is False else owner


def _look(path: Path) -> tuple[bytes, int] | None:
    """(content, time of modification in ns) of a record; None if it does not exist.

    It is opened each time, because that makes an NFS client ask its server.
    """
    try:
        file = open_own(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            return os.read(file, _LONGEST_RECORD), os.fstat(file).st_mtime_ns
        finally:
            os.close(file)
    except PermissionError:  # another user's; its time of modification is visible
        with contextlib.suppress(OSError):
            return _UNREADABLE, path.lstat().st_mtime_ns
        return None
    except OSError:
        return None


def _restrict(file: int, folder: Path) -> bool:
    """Restrict a file of this user to the folder's writers; whether others could open it before.

    The mode follows the folder's, whatever the umask of the file's creator.
    """
    status, shared = os.fstat(file), folder.stat()
    if status.st_uid != os.getuid():
        return False
    mode = 0o600
    if shared.st_mode & stat.S_IWGRP:
        with contextlib.suppress(OSError):  # a user outside that group shares with nobody
            os.fchown(file, -1, shared.st_gid)
            mode = 0o660
    if stat.S_IMODE(status.st_mode) != mode:
        os.fchmod(file, mode)
    return bool(stat.S_IMODE(status.st_mode) & ~mode)
