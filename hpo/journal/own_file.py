"""Opening the files of a folder that somebody else may have filled."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def open_own(path: Path, flags: int, mode: int = 0o666) -> int:
    """`os.open` of a file that a study has made itself, so that it is no symbolic link.

    OSError: it is one, or it cannot be opened. Only the last part of the path is looked at: a
    study's folder may be reached through links.
    """
    try:
        return os.open(path, flags | os.O_NOFOLLOW, mode)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from None
        raise
