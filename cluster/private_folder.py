"""Folders that no other user can read or replace.

Dask, torch and multiprocessing keep data, and some of them code, under predictable names in the
folder for temporary files. If users share that folder, another user may create these names first,
or rename the files.
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

from oneshot_hpo.cluster.errors import ClusterError

PREFIX = "oneshot-hpo-private-"
_YOUNG_SECONDS = 60.0
"""How long a new folder may exist before its creator locks it."""


class NoPrivateFolder(ClusterError, RuntimeError):
    """No folder that is safe from other users can be created; the message says why."""


@contextlib.contextmanager
def private_folder(base: Path | None = None) -> Iterator[Path]:
    """Create a folder of mode 0700 in `base`, and remove it with its content at the end.

    base: created if missing; None: the folder for temporary files. If other users could replace
    it, the user's cache is used instead. Folders left there by killed processes of this user are
    removed.

    Raises NoPrivateFolder if there is no safe place.
    """
    base = _safe_base(base)
    _remove_abandoned(base)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=base))
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with contextlib.suppress(OSError):  # no locks here: it is never removed as abandoned
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def state_folder() -> Path:
    """The user's folder for data that several hosts and jobs share; it need not exist yet.

    Raises NoPrivateFolder if the user has no home folder.
    """
    try:
        folder = platformdirs.user_state_path("oneshot-hpo", appauthor=False)
    except RuntimeError:  # newer versions of platformdirs; older ones return "~/…"
        folder = Path()
    if not folder.is_absolute():
        raise NoPrivateFolder("this user has no home folder: set XDG_STATE_HOME to a folder")
    return folder


def make_private(folder: Path) -> None:
    """Create a folder of mode 0700, or set that mode of an existing one.

    Raises NoPrivateFolder if that fails, or another user could replace the folder.
    """
    try:
        _make(folder)
        folder.chmod(0o700)
    except OSError as error:
        raise NoPrivateFolder(f"{folder} cannot be used: {error.strerror}") from None
    if reason := replaceable(folder):
        raise NoPrivateFolder(
            f"{folder} is not safe: {reason}; set XDG_STATE_HOME to another folder"
        )


def replaceable(folder: Path) -> str:
    """Why another user could replace a folder; empty if none could."""
    # In a container, the owner of the root folder may have another id than outside.
    trusted = {0, os.getuid(), Path("/").stat().st_uid}
    folder = folder.resolve()
    for place in (folder, *folder.parents):
        status = place.stat()
        if status.st_uid not in trusted:
            return f"{place} belongs to user {status.st_uid}"
        if status.st_mode & stat.S_ISVTX:
            continue
        if status.st_mode & stat.S_IWOTH:
            return f"all users may rename files in {place}, which has no sticky bit"
        if status.st_mode & stat.S_IWGRP and not _is_own_group(status.st_gid):
            return f"group {status.st_gid} may rename files in {place}"
    return ""


def _safe_base(base: Path | None) -> Path:
    """A safe parent of private folders: `base`, else the user's cache.

    Raises NoPrivateFolder.
    """
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
        f"no folder is safe from other users here ({'; '.join(reasons)}): set TMPDIR to a "
        "folder of your own"
    )


def _make(folder: Path) -> None:
    """Create a folder and its missing parents, with access for this user only."""
    for place in (*reversed(folder.parents), folder):
        if not place.exists():
            place.mkdir(mode=0o700, exist_ok=True)


def _cache_folder() -> Path:
    return platformdirs.user_cache_path("oneshot-hpo", appauthor=False).absolute()


def _is_own_group(number: int) -> bool:
    """Whether a group is root's, or has this user as its only member, as on many systems."""
    if number == 0:
        return True
    try:
        group, user = grp.getgrgid(number), pwd.getpwuid(os.getuid())
    except KeyError:
        return False
    own = (group.gr_gid, group.gr_name) == (user.pw_gid, user.pw_name)
    return own and set(group.gr_mem) <= {user.pw_name}


def _remove_abandoned(base: Path) -> None:
    """Remove the folders left by killed processes of this user."""
    for folder in base.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError):
            _remove_if_abandoned(folder)


def _remove_if_abandoned(folder: Path) -> None:
    held = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        status = os.fstat(held)
        if status.st_uid != os.getuid() or time.time() - status.st_mtime < _YOUNG_SECONDS:
            return
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)  # OSError: its creator is alive
        shutil.rmtree(folder)
    finally:
        os.close(held)
