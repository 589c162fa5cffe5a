"""A line of a journal: an event as JSON whose last key is the checksum of all bytes before it.

    {"event": "ask", ..., "time": 1.5, "crc32c": "8b1e4f02"}

CRC-32C (Castagnoli) finds every flipped byte, and every burst of damage up to 32 bits long.
"""

from __future__ import annotations

import json
from typing import Any

import google_crc32c

from oneshot_hpo.hpo.errors import HpoError

_MARK = b', "crc32c": "'


class AlteredLine(HpoError, ValueError):
    """A line whose checksum does not match its content."""


def sealed(event: dict[str, Any]) -> bytes:
    """The line of an event, with its checksum and line feed."""
    body = _encode(event).encode()[:-1]
    return body + _seal(body) + b"\n"


def unsealed(line: bytes) -> tuple[Any, bool]:
    """(JSON value, whether it has a checksum) of a line without its line feed.

    Journals of formats 1 and 2 have no checksums. Raises AlteredLine, and ValueError for a line
    that is not JSON.
    """
    body, mark, _ = line.rpartition(_MARK)
    if mark and line[len(body) :] != _seal(body):
        raise AlteredLine("its checksum is wrong, the line was altered")
    content = body + b"}" if mark else line
    return _decode(content.decode(json.detect_encoding(content), "surrogatepass")), bool(mark)


def is_sealed(line: bytes) -> bool:
    """Whether a line, without its line feed, is complete and has a valid checksum."""
    body, mark, _ = line.rpartition(_MARK)
    return bool(mark) and line[len(body) :] == _seal(body)


def _seal(body: bytes) -> bytes:
    return _MARK + b'%08x"}' % google_crc32c.value(body)


def _refuse_constant(token: str) -> None:
    raise ValueError(f"{token} is not JSON")


# Made once: json.dumps and json.loads would make them for each line.
_encode = json.JSONEncoder(allow_nan=False).encode
_decode = json.JSONDecoder(parse_constant=_refuse_constant).decode
