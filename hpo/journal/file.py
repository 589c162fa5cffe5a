"""The journal: append-only JSON lines, one event each, on the disk before anything acts on it.

A kill can only tear the last line, which is recognised by its missing line feed. The header is
written to another name first, so a journal that exists has a complete one. What was altered on the
disk is recognised by a line's checksum.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from oneshot_hpo.hpo.errors import (
    CorruptJournal,
    InvalidEvent,
    NewerJournal,
    StudyNotFound,
    StudyUnwritable,
)
from oneshot_hpo.hpo.journal.events import COUNT, NUMBER, Event, Kinds, check_event
from oneshot_hpo.hpo.journal.line import AlteredLine, is_sealed, sealed, unsealed
from oneshot_hpo.hpo.journal.own_file import open_own
from oneshot_hpo.hpo.study_events import EVENTS
from oneshot_hpo.whole_files import sync_folder, whole_file

JOURNAL_NAME = "journal.jsonl"
DRAFT_NAME = JOURNAL_NAME + ".new"
FORMAT = 4
"""Version of the format that is written; older ones are read.

2: prior observations. 3: every line has a checksum; a line without one is read in a journal whose
header says an older format, which is continued with checksums. 4: kinds of events that came later
say so in their key `format` (see EventKind.since). A journal keeps its header, so such events may
follow a header of any format; the first of these kinds is "crash retried".
"""
_CHECKSUMS_FROM = 3


def read_journal(path: Path, kinds: Kinds = EVENTS) -> tuple[list[Event], int]:
    """All complete events, the header first, and their bytes; a torn last line is left out.

    Raises StudyNotFound, NewerJournal, StudyUnwritable (unreadable) or CorruptJournal with the
    line.
    """
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        raise StudyNotFound(f"no study in {path.parent}: there is no {path.name}") from None
    except OSError as error:
        raise StudyUnwritable(f"{path} cannot be read: {error.strerror or error}") from None
    size = content.rfind(b"\n") + 1
    if not size:
        raise CorruptJournal(path, 1, "the header is missing", _without_header(path.parent))
    events: list[Event] = []
    for event in each_event(path, (line[:-1] for line in io.BytesIO(content[:size])), kinds):
        if isinstance(event, CorruptJournal):
            raise event
        events.append(event)
    if is_sealed(content[size:-1]):  # a torn line is less than that
        raise CorruptJournal(path, len(events) + 1, "its line feed was altered")
    return events, size


def _without_header(folder: Path) -> str:
    """What to do about a journal in which there is nothing: it may have been emptied."""
    if any(path.is_dir() for path in folder.iterdir()):
        return "what was run lies beside it, so it was emptied; restore a copy of the file"
    return "nothing was run, launch it again in a new folder"


def file_size(path: Path) -> int | None:
    """The bytes of a file; None where it cannot be looked at."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def each_event(
    path: Path, lines: Iterable[bytes], kinds: Kinds = EVENTS
) -> Iterator[Event | CorruptJournal]:
    """The event of each line of a journal, or what is wrong with the line. Raises NewerJournal."""
    version = 0
    for number, line in enumerate(lines, start=1):
        try:
            event, has_checksum = _parse(path, number, line, kinds)
        except CorruptJournal as fault:
            yield fault
            continue
        version = event["format"] if number == 1 else version
        if has_checksum or version < _CHECKSUMS_FROM:
            yield event
        else:
            yield CorruptJournal(path, number, "its checksum is missing")


class Journal:
    """The journal of a study, open for appending; its study's lock must be held."""

    def __init__(self, path: Path, size: int) -> None:
        """Opens a journal and cuts it to `size` bytes, the end of its last complete event."""
        self.path = path
        self._size = size
        try:
            self._file = open_own(path, os.O_WRONLY | os.O_APPEND)
            if os.fstat(self._file).st_size != size:
                os.ftruncate(self._file, size)
                os.fsync(self._file)
        except OSError as error:
            raise StudyUnwritable(f"{path} cannot be written: {error.strerror or error}") from None

    @classmethod
    def create(cls, path: Path, header: Event) -> Journal:
        """Writes a journal with this header; a kill leaves a complete one or none at all."""
        line = sealed(header)
        try:
            with whole_file(path, draft=path.with_name(DRAFT_NAME)) as file:
                file.write(line)
            sync_folder(path.parent)
        except OSError as error:
            with suppress(OSError):
                path.unlink(missing_ok=True)
            raise StudyUnwritable(f"{path} cannot be written: {error.strerror or error}") from None
        return cls(path, len(line))

    def append(self, event: Event) -> None:
        """Puts an event on the disk. When that fails, the journal stays as it was, and is closed.

        Raises StudyUnwritable, also when the file is no longer the one that was opened, or another
        process has written to it.
        """
        line = sealed(event)
        try:
            self._check_unchanged()
        except BaseException:
            self.close()  # what is there now is not this process's to mend
            raise
        try:
            _write(self._file, line)
        except OSError as error:
            self._undo()
            raise self._unwritable(error.strerror or str(error)) from None
        self._size += len(line)

    def close(self) -> None:
        """Closes the file. Calling it again does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _check_unchanged(self) -> None:
        """StudyUnwritable unless the path leads to the file as this process has left it.

        Writing to a file that was removed fails nowhere, and what is written is lost.
        """
        try:
            there, mine = self.path.stat(), os.fstat(self._file)
        except OSError as error:
            raise self._unwritable(error.strerror or str(error)) from None
        if not os.path.samestat(there, mine):
            raise self._unwritable("another file has taken its place")
        if there.st_size != self._size:
            raise self._unwritable("another process has written to it")

    def _unwritable(self, reason: str) -> StudyUnwritable:
        return StudyUnwritable(
            f"{self.path} cannot be written: {reason}; nothing told before is lost"
        )

    def _undo(self) -> None:
        try:
            os.ftruncate(self._file, self._size)
            os.fsync(self._file)
        except OSError:
            pass  # a torn last line is cut off when the study is opened again
        finally:
            self.close()


def _write(file: int, content: bytes) -> None:
    while content:
        content = content[os.write(file, content) :]
    os.fsync(file)


def _parse(path: Path, number: int, line: bytes, kinds: Kinds) -> tuple[Event, bool]:
    """The event of one line, and whether that has a checksum; CorruptJournal says what is wrong."""
    try:
        event, has_checksum = unsealed(line)
    except AlteredLine as error:
        raise CorruptJournal(path, number, str(error)) from None
    except (ValueError, RecursionError) as error:
        raise CorruptJournal(path, number, f"not a JSON object ({error})") from None
    if not isinstance(event, dict):
        raise CorruptJournal(path, number, "not a JSON object")
    name = event.get("event")
    if (name == "header") != (number == 1):
        what = "a second header" if name == "header" else "the header is missing"
        raise CorruptJournal(path, number, what)
    _check_format(path, number, event, kinds)
    if name == "header" and event.get("format") == 1 and "prior" in kinds["header"].keys:
        event["prior"] = []
    if not NUMBER.test(event.get("time")):
        raise CorruptJournal(path, number, f"time must be {NUMBER.words}")
    try:
        check_event(event, kinds)
    except InvalidEvent as error:
        raise CorruptJournal(path, number, str(error)) from None
    return event, has_checksum


def _check_format(path: Path, number: int, event: Event, kinds: Kinds) -> None:
    """NewerJournal if a header, or an event of an unknown kind, says a format that is not known."""
    name, wanted = event.get("event"), event.get("format")
    if not (isinstance(wanted, int) and COUNT.test(wanted) and wanted > FORMAT):
        return
    if name == "header":
        what = f"{path} was written by"
    elif isinstance(name, str) and name not in kinds:
        what = f"{path}, line {number}: the event {name!r} is of"
    else:
        return
    raise NewerJournal(
        f"{what} a newer version of oneshot-hpo (journal format {wanted}, this version reads up to "
        f"{FORMAT}): update oneshot-hpo"
    )
