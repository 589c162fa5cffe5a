"""Safe opening of files in a folder that someone else may have filled."""

from __future__ import annotations

import errno
import os
from pathlib import Path


def open_own(path: Path, flags: int, mode: int = 0o666) -> int:
    """`os.open` for a file that the study itself created: a symbolic link is refused.

    Raises OSError. Only the last part of the path is checked: a study's folder may be reached
    through links.
    """
    try:
        return os.open(path, flags | os.O_NOFOLLOW, mode)
    except OSError as error:
        if error.errno == errno.ELOOP and path.is_symlink():
            raise OSError(errno.ELOOP, "it is a symbolic link", str(path)) from None
        raise
