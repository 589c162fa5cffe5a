"""Files that are written beside another one and then take its place: how they are called.

Who is killed between the two leaves one behind, which its name tells from all else in a folder.
"""

from __future__ import annotations

import re
import secrets
from pathlib import Path

_NAME = re.compile(r"\.(?P<name>.+)\.[0-9a-f]{16}\.tmp")


def temporary_for(path: Path) -> Path:
    """A path beside `path` that nobody can foresee; to be opened with mode "x", through no link."""
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")


def name_behind(temporary: Path) -> str | None:
    """The name of the file that a temporary one is written for; None if it is none of ours."""
    match = _NAME.fullmatch(temporary.name)
    return match["name"] if match else None
