"""Files that are written whole or not at all: beside their place, then renamed into it.

A reader, or a kill at any moment, sees a file either as it was before or complete. Who is killed
between the two leaves the draft behind, which its name tells from all else in a folder. Every
package writes in this one way; the module imports nothing of ours.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

_NAME = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.tmp")


@contextmanager
def whole_file(
    path: Path, *, mode: int = 0o666, draft: Path | None = None, previous: Path | None = None
) -> Iterator[IO[bytes]]:
    """Open a new file for the body to write; after the body it is on the disk, and is `path`.

    mode: its permissions, before the umask. draft: where it lies until then; by default under a
    name beside `path` that nobody can foresee. previous: the name that the file keeps which was
    `path` before, if there was one.

    Nothing is written through a symbolic link at `path` or `draft`: the link is replaced. If the
    body or the disk fails, the draft is removed and `path` stays as it was; OSError is passed on.
    """
    if draft is None:
        draft = _draft_of(path)
    else:
        draft.unlink(missing_ok=True)

    try:
        with open(draft, "xb", opener=lambda name, flags: os.open(name, flags, mode)) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())

        if previous is not None:
            with suppress(FileNotFoundError):
                path.replace(previous)
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def write_whole(
    path: Path, content: bytes, *, mode: int = 0o666, previous: Path | None = None
) -> None:
    """Write these bytes as `whole_file` does."""
    with whole_file(path, mode=mode, previous=previous) as file:
        file.write(content)


def name_behind(draft: Path) -> str | None:
    """The name of the file that a draft is written for; None if it is no draft of ours."""
    match = _NAME.fullmatch(draft.name)
    return match["name"] if match else None


def sync_folder(folder: Path) -> None:
    """Make new names in a folder last through a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _draft_of(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
