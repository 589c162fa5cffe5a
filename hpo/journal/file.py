"""The journal: append-only JSON lines, one event each, synced to disk before it takes effect.

A kill can tear only the last line, which then lacks its line feed. The header is written under
another name first, so every journal has a complete header. The checksum of each line reveals later
changes.
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
FORMAT = 6
"""Format of new journals; all older formats are read.

2: prior observations. 3: every line has a checksum. A journal with an older header is continued
with checksums; its older lines have none. 4: events of newer kinds carry the format in their key
`format` (see EventKind.since); the first such kind is "crash retried". A journal keeps its header,
so these events may follow a header of any format. 5: the header's optimizer has `trial_seed` and
`default_budget`; where they are absent, they are `trial` and `max`. 6: an extension, a stop rule
that was reached, replicates, and the kinds "rule" and "look" of a confirmation; the header's
optimizer has `user_prior`, `replicates` and `incumbent`; where they are absent, they are none, none
and `validation`.
"""
_CHECKSUMS_FROM = 3


def read_journal(path: Path, kinds: Kinds = EVENTS) -> tuple[list[Event], int]:
    """All complete events, the header first, and their size in bytes; a torn last line is skipped.

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
    if is_sealed(content[size:-1]):  # a torn line lacks the end of its checksum
        raise CorruptJournal(path, len(events) + 1, "its line feed was altered")
    return events, size


def _without_header(folder: Path) -> str:
    """Advice for an empty journal, which may have been emptied after trials ran."""
    if any(path.is_dir() for path in folder.iterdir()):
        return "trials have run in this folder, so the file was emptied; restore a copy of the file"
    return "no trial has run; launch the study again in a new folder"


def file_size(path: Path) -> int | None:
    """Size of a file in bytes; None if it cannot be read."""
    try:
        return path.stat().st_size
    except OSError:
        return None


def each_event(
    path: Path, lines: Iterable[bytes], kinds: Kinds = EVENTS
) -> Iterator[Event | CorruptJournal]:
    """The event of each line of a journal, or its CorruptJournal. Raises NewerJournal."""
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
    """A journal open for appending; the caller holds the lock of its folder."""

    def __init__(self, path: Path, size: int) -> None:
        """Open a journal and cut it to `size` bytes, the end of its last complete event."""
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
        """Write a journal with this header; a kill leaves a complete journal or none."""
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
        """Append an event and sync it to disk; on failure the journal is unchanged, and closed.

        Raises StudyUnwritable, also when the file was replaced or another process has written to
        it.
        """
        line = sealed(event)
        try:
            self._check_unchanged()
        except BaseException:
            self.close()  # the file now belongs to another process
            raise
        try:
            _write(self._file, line)
        except OSError as error:
            self._undo()
            raise self._unwritable(error.strerror or str(error)) from None
        self._size += len(line)

    def close(self) -> None:
        """Close the file. A second call does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _check_unchanged(self) -> None:
        """Raise StudyUnwritable if the file was replaced, or changed by another process.

        A write to a removed file succeeds, but its data is lost.
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
            f"{self.path} cannot be written: {reason}; everything recorded before is kept"
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
    """(event, whether it has a checksum) of one line. Raises CorruptJournal."""
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
        raise CorruptJournal(path, number, f"time must be {NUMBER.description}")
    try:
        check_event(event, kinds)
    except InvalidEvent as error:
        raise CorruptJournal(path, number, str(error)) from None
    return event, has_checksum


def _check_format(path: Path, number: int, event: Event, kinds: Kinds) -> None:
    """Raise NewerJournal if a header, or an event of an unknown kind, has a newer format."""
    name, version = event.get("event"), event.get("format")
    if not (isinstance(version, int) and COUNT.test(version) and version > FORMAT):
        return
    if name == "header":
        what = f"{path} was written by"
    elif isinstance(name, str) and name not in kinds:
        what = f"{path}, line {number}: the event {name!r} comes from"
    else:
        return
    raise NewerJournal(
        f"{what} a newer version of oneshot-hpo (journal format {version}, this version reads up "
        f"to {FORMAT}): update oneshot-hpo"
    )
