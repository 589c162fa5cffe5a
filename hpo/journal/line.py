"""A line of a journal: an event as JSON whose last key is the checksum of all bytes before it.

    {"event": "ask", ..., "time": 1.5, "crc32c": "8b1e4f02"}

CRC-32C (Castagnoli) finds every flipped byte, and every burst of damage up to 32 bits long.
"""

from __future__ import annotations

import json
from typing import Any

import google_crc32c

_MARK = b', "crc32c": "'


class AlteredLine(ValueError):
    """A line that does not have the checksum that it says."""


def sealed(event: dict[str, Any]) -> bytes:
    """The line of an event, line feed included; the event itself has no checksum."""
    body = json.dumps(event, allow_nan=False).encode()[:-1]
    return body + _seal(body) + b"\n"


def unsealed(line: bytes) -> tuple[Any, bool]:
    """What a line without its line feed says, and whether it has a checksum.

    Journals of formats 1 and 2 have none. Raises AlteredLine, and ValueError for what is no JSON.
    """
    body, mark, _ = line.rpartition(_MARK)
    if mark and line[len(body) :] != _seal(body):
        raise AlteredLine("its checksum is wrong, something in it was altered")
    return json.loads(body + b"}" if mark else line, parse_constant=_refuse_constant), bool(mark)


def is_sealed(line: bytes) -> bool:
    """Whether this is a whole line with its checksum, without its line feed."""
    body, mark, _ = line.rpartition(_MARK)
    return bool(mark) and line[len(body) :] == _seal(body)


def _seal(body: bytes) -> bytes:
    return _MARK + b'%08x"}' % google_crc32c.value(body)


def _refuse_constant(token: str) -> None:
    raise ValueError(f"{token} is no JSON")
