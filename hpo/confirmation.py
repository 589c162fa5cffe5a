"""The master of a confirmation: plan, ask, tell and retry, with the journal as its only memory."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from oneshot_hpo.hpo.confirmation_view import (
    CONFIRMATION_NAME,
    DEFAULT,
    EVENTS,
    ConfirmationView,
    Rerun,
)
from oneshot_hpo.hpo.errors import InvalidEvent, StudyError
from oneshot_hpo.hpo.journal.events import Event, check_event
from oneshot_hpo.hpo.journal.file import FORMAT, Journal, read_journal
from oneshot_hpo.hpo.journal.lock import StudyLock
from oneshot_hpo.hpo.journal.writer import JournalWriter, folder_lock, new_journal_lock
from oneshot_hpo.hpo.looks import LOOK, RULE
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.randomness import confirmation_seed
from oneshot_hpo.hpo.trial import TrialResult


class Confirmation(ConfirmationView, JournalWriter):
    """The confirmation of which this process is the master, the only writer of its journal.

    Each event is synced to disk before it takes effect, so the process may be killed at any moment.
    """

    def __init__(self, path: Path, header: Event, lock: StudyLock) -> None:
        ConfirmationView.__init__(self, path, header)
        JournalWriter.__init__(self, lock)
        self._known: Mapping[tuple[str, int], TrialResult] = {}

    def know(self, results: Mapping[tuple[str, int], TrialResult]) -> None:
        """Take results of runs, by setting and number of the seed, that need not be run again.

        Each is told as soon as its run is next. Raises StudyUnwritable.
        """
        self._known = results
        for run in self.pending:
            self._tell_known(run)
        while (key := self._next()) in results:
            assert key is not None
            self._tell_known(self._begin(key))

    @classmethod
    def create(
        cls, folder: Path, *, header: Mapping[str, Any], seed: int, budget: int | float
    ) -> Self:
        """Create a confirmation in `folder` (created if missing); nothing is planned yet.

        header: the study's, opaque to this package. seed: the study's. budget: that of every run.

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
        """Open the confirmation in `folder`; a torn last line of its journal is cut off.

        Raises StudyNotFound, StudyLocked, StudyUnwritable, NewerJournal or CorruptJournal.
        """
        path = Path(folder) / CONFIRMATION_NAME
        read_journal(path, EVENTS)  # an unreadable journal raises before anything is written
        with folder_lock(path.parent) as lock:
            events, size = read_journal(path, EVENTS)
            confirmation = cls(path, events[0], lock)
            confirmation._fold(events)
            confirmation._journal = Journal(path, size)
        return confirmation

    def plan(
        self, name: str, config: Mapping[str, Any], seeds: int, *, tuned: bool = False
    ) -> None:
        """Plan runs of a setting with the seeds number 0 to `seeds` - 1, or more if planned before.

        tuned: the setting is the study's incumbent. Raises StudyError if the name was planned with
        another configuration, or has a rule that does not allow so many seeds now, and
        StudyUnwritable.
        """
        values = plain(dict(config))
        before = self._settings.get(name)
        if before is not None and before.config != values:
            raise StudyError(
                f"{self._path.parent}: the setting {name} was planned with another configuration"
            )

        try:
            self._looks.check_plan(name, seeds)
        except InvalidEvent as error:
            raise StudyError(f"{self._path.parent}: {error}") from None

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

    def set_rule(self, name: str, *, spending: str, alpha: float, looks: Sequence[int]) -> None:
        """Set when a tuned setting will be compared with the default, before it is planned.

        spending: how the level alpha is shared between looks, opaque to this package. looks: the
        seeds at each look, ascending. Raises StudyError if the setting was planned before, and
        StudyUnwritable.
        """
        if name in self._settings or name in self._looks.rules:
            raise StudyError(
                f"{self._path.parent}: {name} was planned before; a rule comes before its first run"
            )
        event = {
            "event": RULE,
            "format": EVENTS[RULE].since,
            "setting": name,
            "spending": spending,
            "alpha": alpha,
            "looks": list(looks),
        }
        self._write(event)

    def record_look(self, p_value: float, *, decided: bool) -> None:
        """Record the look that is due at the tuned setting.

        p_value: of the test of the look's seeds alone. decided: no more seeds are needed. Raises
        StudyError if no look is due or its runs have not finished, and StudyUnwritable.
        """
        due = self.next_look
        if due is None or self._tuned is None:
            raise StudyError(f"{self._path.parent}: no look is left")
        if not all(self.has_results(name, due) for name in (DEFAULT, self._tuned)):
            raise StudyError(f"{self._path.parent}: the runs of the next look have not finished")
        event = {
            "event": LOOK,
            "format": EVENTS[LOOK].since,
            "setting": self._tuned,
            "seeds": due,
            "p_value": p_value,
            "decided": decided,
        }
        self._write(event)

    def ask(self) -> Rerun | None:
        """Start the next run without a known result; None when every planned run has started.

        Raises StudyUnwritable.
        """
        while (key := self._next()) is not None:
            run = self._begin(key)
            if not self._tell_known(run):
                return run
        return None

    def _begin(self, key: tuple[str, int]) -> Rerun:
        """Start the run with this key, which is next."""
        name, number = key
        seed = confirmation_seed(self._header["seed"], number)
        self._write({"event": "ask", "setting": name, "number": number, "seed": seed})
        return self._pending[key]

    def _tell_known(self, run: Rerun) -> bool:
        """Record the result of a run if it is known; whether it is."""
        result = self._known.get((run.setting, run.number))
        if result is None:
            return False
        self.tell(run, result)
        return True

    def tell(self, run: Rerun, result: TrialResult) -> None:
        """Record how a pending run ended. Raises StudyError when it is not pending."""
        event = {
            "event": "tell",
            "setting": run.setting,
            "number": run.number,
            **result.event_fields(),
        }
        self._pending_run((run.setting, run.number))
        self._write(event)

    def retry(self, run: Rerun, reason: str) -> Rerun:
        """Record that a pending run lost its worker or connection; returns its next attempt."""
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
