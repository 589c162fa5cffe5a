"""The master of a confirmation: plan, ask, tell and retry, with the journal as its only memory."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME, EVENTS, ConfirmationView, Rerun
from oneshot_hpo.hpo.errors import StudyError
from oneshot_hpo.hpo.journal.events import Event, check_event
from oneshot_hpo.hpo.journal.file import FORMAT, Journal, read_journal
from oneshot_hpo.hpo.journal.lock import StudyLock
from oneshot_hpo.hpo.journal.writer import JournalWriter, folder_lock, new_journal_lock
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.randomness import confirmation_seed
from oneshot_hpo.hpo.trial import TrialResult


class Confirmation(ConfirmationView, JournalWriter):
    """A confirmation that this process is the master of: the only writer of its journal.

    Every event is on the disk before it is acted on, so the process may be killed at any moment.
    """

    def __init__(self, path: Path, header: Event, lock: StudyLock) -> None:
        ConfirmationView.__init__(self, path, header)
        JournalWriter.__init__(self, lock)

    @classmethod
    def create(
        cls, folder: Path, *, header: Mapping[str, Any], seed: int, budget: int | float
    ) -> Self:
        """A new confirmation in `folder`, which is made if it is missing; nothing is planned yet.

        `header`: the study's own, opaque to this package; seed: the study's; budget: of every run.
        Raises StudyExists, StudyLocked, StudyUnwritable.
        """
        path = Path(folder) / CONFIRMATION_NAME
        event = {
            "event": "header",
            "format": FORMAT,
            "study": plain(dict(header)),
            "seed": seed,
            "budget": budget,
            "time": time.time(),
        }
        with new_journal_lock(path) as lock:
            confirmation = cls(path, event, lock)
            confirmation._journal = Journal.create(path, event)
        return confirmation

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Continues the confirmation in `folder`; a torn last line of its journal is cut off.

        Raises StudyNotFound, StudyLocked, StudyUnwritable, NewerJournal or CorruptJournal.
        """
        path = Path(folder) / CONFIRMATION_NAME
        read_journal(path, EVENTS)  # nothing is written where there is no sound journal
        with folder_lock(path.parent) as lock:
            events, size = read_journal(path, EVENTS)
            confirmation = cls(path, events[0], lock)
            confirmation._fold(events)
            confirmation._journal = Journal(path, size)
        return confirmation

    def plan(
        self, name: str, config: Mapping[str, Any], seeds: int, *, tuned: bool = False
    ) -> None:
        """From now on, a setting is to be run with at least so many seeds.

        tuned: it is the study's incumbent. Raises StudyError if the name stands for another
        configuration, and StudyUnwritable.
        """
        values = plain(dict(config))
        before = self._settings.get(name)
        if before is not None and before.config != values:
            raise StudyError(f"the setting {name} has other values in {self._path.parent}")
        planned = max(seeds, before.seeds if before else 0)
        if before is not None and planned == before.seeds and (not tuned or self._tuned == name):
            return
        event = {
            "event": "plan",
            "setting": name,
            "config": values,
            "seeds": planned,
            "tuned": tuned,
        }
        self._write(event)

    def ask(self) -> Rerun | None:
        """The next run, or None: everything planned is asked for. Raises StudyUnwritable."""
        key = self._next()
        if key is None:
            return None
        name, number = key
        seed = confirmation_seed(self._header["seed"], number)
        self._write({"event": "ask", "setting": name, "number": number, "seed": seed})
        return self._pending[key]

    def tell(self, run: Rerun, result: TrialResult) -> None:
        """Journals how a pending run ended. Raises StudyError when it is not pending."""
        event = {
            "event": "tell",
            "setting": run.setting,
            "number": run.number,
            **result.event_fields(),
        }
        self._pending_run((run.setting, run.number))
        self._write(event)

    def retry(self, run: Rerun, reason: str) -> Rerun:
        """Journals that the infrastructure of a pending run was lost; returns its next attempt."""
        key = (run.setting, run.number)
        event = {
            "event": "retry",
            "setting": run.setting,
            "number": run.number,
            "attempt": self._pending_run(key).attempt + 1,
            "reason": reason,
        }
        self._write(event)
        return self._pending[key]

    def _write(self, event: Event) -> None:
        check_event(event, EVENTS)
        with self._whole():
            self._record(event)
