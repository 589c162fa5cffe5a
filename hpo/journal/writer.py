"""The one process that writes a journal, and what keeps journal and state together."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from oneshot_hpo.hpo.errors import StudyError, StudyExists, StudyUnwritable
from oneshot_hpo.hpo.journal.events import NOTE, Event, check_event
from oneshot_hpo.hpo.journal.file import Journal
from oneshot_hpo.hpo.journal.lock import StudyLock
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.whole_files import sync_folder


class JournalWriter(ABC):
    """Holds a folder's lock and its open journal; a context manager.

    Every event is on the disk before the state moves on.
    """

    def __init__(self, lock: StudyLock) -> None:
        self._lock = lock
        self._journal: Journal | None = None

    def close(self) -> None:
        """Closes the journal and lets another master in. Calling it again does nothing."""
        if self._journal is not None:
            self._journal.close()
            self._journal = None
        self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def note(self, text: str, environment: dict[str, Any]) -> None:
        """Journals something about the environment of the work, opaque to this package.

        It changes no decision. Raises StudyError for what cannot be written as JSON, and
        StudyUnwritable.
        """
        event = {"event": "note", "text": text, "environment": plain(environment)}
        check_event(event, {"note": NOTE})
        with self._whole():
            self._record(event)

    @abstractmethod
    def _apply(self, event: Event) -> None:
        """Moves the state on."""

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Closes the journal when what is inside fails or is interrupted half-way.

        Journal and state may then disagree: only a replay brings them together.
        """
        if self._journal is None:
            raise StudyError("the study is closed: open it again")
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _record(self, event: Event) -> None:
        """Journals an event, then moves the state on."""
        assert self._journal is not None  # _whole saw to it
        self._lock.check()
        event = {**event, "time": time.time()}
        self._journal.append(event)
        self._apply(event)


@contextmanager
def vacant(path: Path) -> Iterator[StudyLock]:
    """The lock under which a journal that is not there yet is created; for the rest see `held`.

    Raises StudyExists, StudyLocked, StudyUnwritable.
    """
    _refuse_existing(path)
    _make_folder(path.parent)
    with held(path.parent) as lock:
        _refuse_existing(path)  # another master may have been faster
        yield lock


@contextmanager
def held(folder: Path) -> Iterator[StudyLock]:
    """The lock of a folder, which stays held unless what is inside fails.

    Raises StudyLocked, StudyUnwritable.
    """
    lock = StudyLock(folder)
    try:
        yield lock
    except BaseException:
        lock.release()
        raise


def _refuse_existing(path: Path) -> None:
    """StudyExists if there is this journal already."""
    if path.exists():
        raise StudyExists(
            f"{path.parent} already holds a study: resume it, or choose another folder"
        )


def _make_folder(folder: Path) -> None:
    """Make a journal's folder if it is missing; StudyUnwritable if that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
    except OSError as error:
        raise StudyUnwritable(f"{folder} cannot be written: {error.strerror or error}") from None
