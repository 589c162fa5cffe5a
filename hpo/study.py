"""A study: ask, tell and retry, with the journal as its only memory."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ConfigSpace import ConfigurationSpace

from oneshot_hpo.hpo.bohb.encoding import check_configuration
from oneshot_hpo.hpo.errors import CorruptJournal, InvalidEvent, StudyError
from oneshot_hpo.hpo.extension import Extension
from oneshot_hpo.hpo.journal.events import Event, check_event
from oneshot_hpo.hpo.journal.file import FORMAT, JOURNAL_NAME, Journal, file_size, read_journal
from oneshot_hpo.hpo.journal.lock import StudyLock
from oneshot_hpo.hpo.journal.writer import JournalWriter, folder_lock, new_journal_lock
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.replicate import Replicate
from oneshot_hpo.hpo.settings import OptimizerSettings
from oneshot_hpo.hpo.study_events import (
    CRASH_RETRIED,
    EVENTS,
    EXTENSION,
    REPLICATE,
    REPLICATE_TOLD,
    STOP_REACHED,
)
from oneshot_hpo.hpo.study_view import StudyView
from oneshot_hpo.hpo.trial import Observation, Trial, TrialResult

if TYPE_CHECKING:
    from oneshot_hpo.hpo.bohb.master import BOHBMaster


class Study(StudyView, JournalWriter):
    """The study of which this process is the master, the only writer of its journal.

    Make one with `create` or `open`; use it as a context manager or `close` it. Each decision is
    synced to disk before it is returned, so the process may be killed at any moment: `open` replays
    the journal to the same state, and later decisions equal those of a study never killed.
    """

    def __init__(self, path: Path, header: Event, lock: StudyLock) -> None:
        StudyView.__init__(self, path, header)
        JournalWriter.__init__(self, lock)
        try:
            self._master = _new_master(self.space, self.settings, self.prior)
        except InvalidEvent as error:
            raise CorruptJournal(path, 1, f"prior of header: {error}") from None

    @classmethod
    def create(
        cls,
        folder: Path,
        *,
        header: dict[str, Any],
        space: ConfigurationSpace,
        settings: OptimizerSettings,
        prior: Sequence[Observation] = (),
    ) -> Self:
        """Create a study in `folder` (created if missing).

        header: the study's frozen specification, opaque to this package. prior: observations with
        which the model starts (HpBandSter's previous_result); they are in no bracket and never the
        incumbent.

        Raises StudyExists, StudyLocked, StudyUnwritable, StudyError when a configuration of `prior`
        is not in the space, or InvalidSettings when the settings do not fit the space.
        """
        for number, observation in enumerate(prior, start=1):
            try:
                check_configuration(space, observation.config)
            except StudyError as error:
                raise StudyError(f"observation {number} of prior: {error}") from None

        path = Path(folder) / JOURNAL_NAME
        event = {
            "event": "header",
            "format": FORMAT,
            "study": plain(header),
            "optimizer": asdict(settings),
            "space": plain(space.to_serialized_dict()),
            "prior": [plain(asdict(observation)) for observation in prior],
            "time": time.time(),
        }
        check_event(event, EVENTS)

        with new_journal_lock(path) as lock:
            study = cls(path, event, lock)
            study._journal = Journal.create(path, event)
        return study

    @classmethod
    def open(cls, folder: Path) -> Self:
        """Open the study in `folder`; a torn last line of its journal is cut off.

        Raises StudyNotFound, StudyLocked, StudyUnwritable, NewerJournal, or CorruptJournal with the
        line that cannot be read or replayed; the journal is then unchanged.
        """
        path = Path(folder) / JOURNAL_NAME
        # An unreadable journal raises before anything is written, the lock included.
        events, size = read_journal(path)
        with folder_lock(path.parent) as lock:
            if file_size(path) != size:  # a torn last line, or another master has written
                events, size = read_journal(path)
            study = cls(path, events[0], lock)
            study._fold(events)
            study._journal = Journal(path, size)
        return study

    def ask(self) -> Trial | None:
        """Start the next trial; None if a rung has to finish first, or no trial is left to start.

        None is left when all have started, or a stop rule was reached. Raises StudyUnwritable.
        """
        if self._state.stop_reached is not None:
            return None
        with self._whole():
            run = self._master.next_run(self._state.seq)
            if run is None:
                return None
            self._record(
                {
                    "event": "ask",
                    "seq": self._state.seq,
                    "id": list(run.id),
                    "budget": run.budget,
                    "config": run.config,
                    "info": run.info,
                }
            )
        return self._state.pending[run.id, run.budget]

    def tell(self, trial: Trial, result: TrialResult) -> None:
        """Record how a pending trial ended; the result may come from any of its attempts.

        A loss that is not a finite number, or an exception, is a crash. Raises StudyError when the
        trial is not pending or its info cannot be written as JSON, and StudyUnwritable.
        """
        self._state.pending_trial((trial.id, trial.budget))
        event = {
            "event": "tell",
            "seq": self._state.seq,
            "id": list(trial.id),
            "budget": trial.budget,
            **result.event_fields(),
        }
        check_event(event, EVENTS)
        with self._whole():
            self._record(event)
            self._decide(event)

    def retry(self, trial: Trial, reason: str) -> Trial:
        """Record that a pending trial lost its worker or connection; returns its next attempt.

        Retries change no decision. Raises StudyError when the trial is not pending,
        StudyUnwritable.
        """
        key = (trial.id, trial.budget)
        attempt = self._state.pending_trial(key).attempt + 1
        event = {
            "event": "retry",
            "id": list(trial.id),
            "budget": trial.budget,
            "attempt": attempt,
            "reason": reason,
        }
        check_event(event, EVENTS)
        with self._whole():
            self._record(event)
        return self._state.pending[key]

    def retry_crash(self, trial: Trial) -> Trial:
        """Make a crashed trial pending again, and return it.

        Its crash is removed from the evaluations and from the model. The new result enters the
        model. It also counts in the trial's rung if that has not finished; otherwise the rung is
        unchanged, and the trial is not promoted. Raises StudyError when the trial did
        not crash, StudyUnwritable.
        """
        key = (trial.id, trial.budget)
        self._state.crashed(key)
        event = {
            "event": CRASH_RETRIED,
            "format": EVENTS[CRASH_RETRIED].since,
            "seq": self._state.seq,
            "id": list(trial.id),
            "budget": trial.budget,
        }
        check_event(event, EVENTS)
        with self._whole():
            self._record(event)
            self._decide(event)
        return self._state.pending[key]

    def extend(self, extension: Extension) -> None:
        """Extend the study, finished or not.

        Brackets more and other stop rules change no decision before or after: with one worker the
        study equals one that was launched with them. Raises StudyError, and nothing is recorded,
        when the extension is empty, `max_budget` is not eta times the largest budget, a
        configuration is not in the space or has no bracket that will start with it, or a trial to
        drop is not pending; StudyUnwritable.
        """
        self.check_extension(extension)
        event = {
            "event": EXTENSION,
            "format": EVENTS[EXTENSION].since,
            **extension.event_fields(),
        }
        check_event(event, EVENTS)
        with self._whole():
            self._record(event)
            self._decide(event)

    def reach_stop(self, rule: str, reason: str) -> None:
        """Record that a stop rule was reached: no further trial starts, pending ones are finished.

        The optimizer knows nothing of it; an extension with other rules ends it. Raises StudyError
        when one was reached before, StudyUnwritable.
        """
        if self._state.stop_reached is not None:
            raise StudyError(f"a stop rule was reached before: {self._state.stop_reached.rule}")
        event = {
            "event": STOP_REACHED,
            "format": EVENTS[STOP_REACHED].since,
            "rule": rule,
            "reason": reason,
        }
        check_event(event, EVENTS)
        with self._whole():
            self._record(event)

    def replicate(self) -> Replicate | None:
        """Start the next replicate; None: there is nothing to replicate yet, or not wanted.

        It changes no decision. Raises StudyUnwritable.
        """
        if self.settings.replicates == "none":
            return None
        replicate = self._state.next_replicate()
        if replicate is not None:
            with self._whole():
                self._record(_replicate_event(REPLICATE, replicate))
        return replicate

    def tell_replicate(self, replicate: Replicate, result: TrialResult) -> None:
        """Record how a pending replicate ended.

        With `replicates: model`, the model then knows the mean of its configuration's losses.
        Raises StudyError when it is not pending, StudyUnwritable.
        """
        self._state.pending_replicate((replicate.id, replicate.budget, replicate.number))
        event = _replicate_event(REPLICATE_TOLD, replicate) | result.event_fields()
        check_event(event, EVENTS)
        with self._whole():
            self._record(event)
            self._decide(event)

    def _replay(self, event: Event) -> None:
        """Apply an event to the state, then repeat the optimizer's decision."""
        self._apply(event)
        self._decide(event)

    def _decide(self, event: Event) -> None:
        replay = EVENTS[event["event"]].replay
        if replay is not None:
            replay(self._master, self._state, event)


def _replicate_event(kind: str, replicate: Replicate) -> Event:
    return {
        "event": kind,
        "format": EVENTS[kind].since,
        "id": list(replicate.id),
        "budget": replicate.budget,
        "number": replicate.number,
    }


def _new_master(
    space: ConfigurationSpace, settings: OptimizerSettings, prior: Sequence[Observation]
) -> BOHBMaster:
    # Imported here because it takes seconds, which readers of a study do not need to wait for.
    from oneshot_hpo.hpo.bohb.master import BOHBMaster

    return BOHBMaster(space, settings, prior)
