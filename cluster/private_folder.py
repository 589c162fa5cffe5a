"""Folders that nobody else can read or put something else in the place of.

Dask, torch and multiprocessing keep data, and some of them code, under names that are easily
guessed in the folder for temporary files. Where many users share that folder, another one may have
made those names first, or may rename what lies there.
"""

from __future__ import annotations

import contextlib
import fcntl
import grp
import os
import pwd
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import platformdirs

PREFIX = "oneshot-hpo-private-"
_YOUNG_SECONDS = 60.0
"""For so long a folder may be there without the lock of its maker."""


class NoPrivateFolder(RuntimeError):
    """No folder can be made that is safe from other users; the message says why."""


@contextlib.contextmanager
def private_folder(base: Path | None = None) -> Iterator[Path]:
    """A new folder of mode 0700 in `base`, removed with all that is in it at the end.

    base: made when missing; None: the folder for temporary files. Where others could replace it,
    the folder lies in the user's cache instead. Folders that killed processes of this user have
    left there are removed.

    NoPrivateFolder: there is no safe place.
    """
    base = _safe_base(base)
    _remove_abandoned(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # no locks there: it is never taken for abandoned
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def state_folder() -> Path:
    """The user's own folder for what several hosts and jobs share; it need not exist yet.

    NoPrivateFolder: the user has no home.
    """
    try:
        folder = platformdirs.user_state_path("oneshot-hpo", appauthor=False)
    except RuntimeError:  # newer versions of platformdirs; older ones return "~/…"
        folder = Path()
    if not folder.is_absolute():
        raise NoPrivateFolder("this user has no home folder: set XDG_STATE_HOME to one")
    return folder


def make_private(folder: Path) -> None:
    """Make a folder of mode 0700, or give that mode to the one that is there.

    NoPrivateFolder: it cannot be, or somebody else could put another one in its place.
    """
    try:
        _make(folder)
        folder.chmod(0o700)
    except OSError as error:
        raise NoPrivateFolder(f"{folder} cannot be used: {error.strerror}") from None
    if reason := replaceable(folder):
        raise NoPrivateFolder(f"{folder} is not safe: {reason}")


def replaceable(folder: Path) -> str:
    """Why another user could put something in the place of a folder; empty if none could."""
    # In a container the owner of the root folder may have no number that it has outside.
    trusted = {0, os.getuid(), Path("/").stat().st_uid}
    folder = folder.resolve()
    for place in (folder, *folder.parents):
        status = place.stat()
        if status.st_uid not in trusted:
            return f"{place} belongs to user {status.st_uid}"
        if status.st_mode & stat.S_ISVTX:
            continue
        if status.st_mode & stat.S_IWOTH:
            return f"everybody may rename what is in {place}, which has no sticky bit"
        if status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid):
            return f"group {status.st_gid} may rename what is in {place}"
    return ""


def _safe_base(base: Path | None) -> Path:
    """Where private folders can be made: `base`, else the user's cache."""
    reasons = []
    for choose in (lambda: base or Path(tempfile.gettempdir()), _cache_folder):
        try:
            place = choose()
            _make(place)
            place = place.resolve()
            reason = replaceable(place)
            if not reason and not os.access(place, os.W_OK | os.X_OK):
                reason = f"{place} cannot be written"
        except OSError as error:
            reason = f"{error.filename or 'a folder for temporary files'}: {error.strerror}"
        except RuntimeError:
            reason = "this user has no home folder"
        if not reason:
            return place
        reasons.append(reason)
    raise NoPrivateFolder(
        f"no folder is safe from other users here ({'; '.join(reasons)}): set TMPDIR to one of "
        "your own"
    )


def _make(folder: Path) -> None:
    """Make a folder and its parents, all that are missing for this user alone."""
    for place in (*reversed(folder.parents), folder):
        if not place.exists():
            place.mkdir(mode=0o700, exist_ok=True)


def _cache_folder() -> Path:
    return platformdirs.user_cache_path("oneshot-hpo", appauthor=False).absolute()


def _is_own_group(number: int) -> bool:
    """Whether a group is root's, or has this user alone, as many systems give each user one."""
    if number == 0:
        return True
    try:
        group, user = grp.getgrgid(number), pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    own = (group.gr_gid, group.gr_name) == (user.pw_gid, user.pw_name)
    return own and set(group.gr_mem) <= {user.pw_name}


def _remove_abandoned(base: Path) -> None:
    """Remove the folders of this user's processes that were killed."""
    for folder in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            _remove_if_abandoned(folder)


def _remove_if_abandoned(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(held)
        if status.st_uid != os.getuid() or time.time() - status.st_mtime < _YOUNG_SECONDS:
            return
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError: its maker lives
        shutil.rmtree(folder)
    finally:
        os.close(held)
