"""Reads files out of a tar archive one by one, in constant memory even if it is malicious.

Python's tarfile reads headers of any length into memory, keeps every member, and follows links
inside the archive.
"""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from oneshot_hpo.experiments.errors import ExperimentError

_BLOCK = tarfile.BLOCKSIZE
_PIECE = 1 << 20
_MOST_HEADERS = 10_000
_LONGEST_NOTE = 1 << 16
"""Bytes of a header with the name of the next member."""
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LONG_NAME = tarfile.GNUTYPE_LONGNAME
_RECORDS = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_SKIPPED = (tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK)
"""Headers that are not needed: about all members, and targets of links."""


class Readable(Protocol):
    """Something to read from beginning to end."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`."""


class TarFault(ExperimentError, ValueError):
    """Not a tar archive, or a damaged one; the message says why."""


@dataclass
class Member:
    """A member of an archive; what is not read of it is skipped."""

    name: str
    size: int
    is_file: bool
    """Whether it is a file with a content of its own: no folder, link or device."""
    is_folder: bool
    _archive: Readable
    _left: int

    def read(self, size: int) -> bytes:
        """The next bytes of its content, `size` of them at most; empty at its end."""
        piece = self._archive.read(min(size, self._left))
        if self._left and size and not piece:
            raise TarFault("cut short")
        self._left -= len(piece)
        return piece

    def pass_over(self) -> None:
        """Read on to where the next header begins."""
        while self.read(_PIECE):
            pass
        padding = -self.size % _BLOCK
        if len(self._archive.read(padding)) < padding:
            raise TarFault("cut short")


def members(archive: Readable) -> Iterator[Member]:
    """The members of an archive in their order, up to its end. Raises TarFault."""
    said: dict[str, str] = {}
    count = 0
    while header := _header(archive):
        count += 1
        if count > _MOST_HEADERS:
            raise TarFault(f"more than {_MOST_HEADERS:,} members")
        is_note = header.type in (_LONG_NAME, *_RECORDS, *_SKIPPED)
        has_content = is_note or header.isreg()
        size = _number(said["size"]) if "size" in said and not is_note else header.size
        size = size if has_content else 0
        is_file = header.type in _FILES
        name = header.name if is_note else said.get("path", header.name)
        member = Member(name, size, is_file, header.isdir(), archive, size)
        if header.type == _LONG_NAME:
            said["path"] = _text(_note(member).rstrip(b"\0"))
        elif header.type in _RECORDS:
            said |= _records(_note(member))
        elif not is_note:
            said = {}
            yield member
        member.pass_over()


def _header(archive: Readable) -> tarfile.TarInfo | None:
    """The next header; None at the archive's end."""
    block = archive.read(_BLOCK)
    if not block.strip(b"\0"):
        return None
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise TarFault(str(error)) from None
    if header.size < 0:
        raise TarFault("a member has less than no bytes")
    return header


def _note(content: Member) -> bytes:
    if content.size > _LONGEST_NOTE:
        raise TarFault(f"a header has {content.size:,} bytes")
    pieces = []
    while piece := content.read(_LONGEST_NOTE):
        pieces.append(piece)
    return b"".join(pieces)


def _records(note: bytes) -> dict[str, str]:
    """The records of a PAX header, "LENGTH KEY=VALUE" and a line feed each."""
    records = {}
    while note:
        digits, space, _ = note.partition(b" ")
        if not space or not digits.isdigit() or not len(digits) < int(digits) <= len(note):
            raise TarFault("a header cannot be read")
        key, equals, value = note[len(digits) + 1 : int(digits) - 1].partition(b"=")
        if not equals:
            raise TarFault("a header cannot be read")
        records[_text(key)] = _text(value)
        note = note[int(digits) :]
    return records


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 20:
        raise TarFault("a member's size is no number")
    return int(text)


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")
