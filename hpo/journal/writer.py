"""The writer of a journal, which keeps the journal and the state consistent."""

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
    """Holds the lock of a folder and its open journal; a context manager.

    Each event is synced to disk before the state changes.
    """

    def __init__(self, lock: StudyLock) -> None:
        self._lock = lock
        self._journal: Journal | None = None

    def close(self) -> None:
        """Close the journal and release the lock. A second call does nothing."""
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
        """Record a remark and an environment, which is opaque to this package.

        It changes no decision. Raises StudyError if the environment is not JSON, and
        StudyUnwritable.
        """
        event = {"event": "note", "text": text, "environment": plain(environment)}
        check_event(event, {"note": NOTE})
        with self._whole():
            self._record(event)

    @abstractmethod
    def _apply(self, event: Event) -> None:
        """Update the state with an event."""

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Close the journal when the body fails or is interrupted.

        Journal and state may then differ: only a replay makes them consistent again.
        """
        if self._journal is None:
            raise StudyError("the study is closed: open it again")
        try:
            yield
        except BaseException:
            self.close()
            raise

    def _record(self, event: Event) -> None:
        """Append an event to the journal, then update the state."""
        assert self._journal is not None  # _whole has checked it
        self._lock.check()
        event = {**event, "time": time.time()}
        self._journal.append(event)
        self._apply(event)


@contextmanager
def new_journal_lock(path: Path) -> Iterator[StudyLock]:
    """Lock the folder of a journal that is to be created; like `folder_lock`.

    Raises StudyExists, StudyLocked, StudyUnwritable.
    """
    _refuse_existing(path)
    _make_folder(path.parent)
    with folder_lock(path.parent) as lock:
        _refuse_existing(path)  # another master may have created it meanwhile
        yield lock


@contextmanager
def folder_lock(folder: Path) -> Iterator[StudyLock]:
    """Lock a folder; the lock stays held unless the body fails.

    Raises StudyLocked, StudyUnwritable.
    """
    lock = StudyLock(folder)
    try:
        yield lock
    except BaseException:
        lock.release()
        raise


def _refuse_existing(path: Path) -> None:
    """Raise StudyExists if the journal exists."""
    if path.exists():
        raise StudyExists(
            f"{path.parent} already holds a study: resume it, or choose another folder"
        )


def _make_folder(folder: Path) -> None:
    """Create a journal's folder if it is missing. Raises StudyUnwritable."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        sync_folder(folder.parent)
    except OSError as error:
        raise StudyUnwritable(f"{folder} cannot be written: {error.strerror or error}") from None
