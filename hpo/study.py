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
from oneshot_hpo.hpo.journal.events import Event, check_event
from oneshot_hpo.hpo.journal.file import FORMAT, JOURNAL_NAME, Journal, file_size, read_journal
from oneshot_hpo.hpo.journal.lock import StudyLock
from oneshot_hpo.hpo.journal.writer import JournalWriter, folder_lock, new_journal_lock
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.settings import OptimizerSettings
from oneshot_hpo.hpo.study_events import CRASH_RETRIED, EVENTS
from oneshot_hpo.hpo.study_view import StudyView
from oneshot_hpo.hpo.trial import Observation, Trial, TrialResult

if TYPE_CHECKING:
    from oneshot_hpo.hpo.bohb.master import BOHBMaster


class Study(StudyView, JournalWriter):
    """A study that this process is the master of: the only writer of its journal.

    Make one with `create` or `open`; use it as a context manager or `close` it. Every decision is
    on the disk before it is returned, so the process may be killed at any moment: `open` replays
    the journal to the same state, and later decisions are those of a study that was never killed.
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
        """A new study in `folder`, which is made if it is missing.

        `header` is the study's frozen specification, opaque to this package. `prior` is what the
        model begins with (HpBandSter's previous_result); brackets and incumbents know nothing of
        it. Raises StudyExists, StudyLocked, StudyUnwritable, StudyError when a configuration of
        `prior` is not one of the space, or InvalidSettings when the settings do not fit the space.
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
        """Continues the study in `folder`; a torn last line of its journal is cut off.

        Raises StudyNotFound, StudyLocked, StudyUnwritable, NewerJournal, or CorruptJournal with the
        line that cannot be read or replayed; the journal is then left as it is.
        """
        path = Path(folder) / JOURNAL_NAME
        # Nothing is written, not even the lock, where there is no sound study.
        events, size = read_journal(path)
        with folder_lock(path.parent) as lock:
            if file_size(path) != size:  # it ends in a torn line, or has grown meanwhile
                events, size = read_journal(path)
            study = cls(path, events[0], lock)
            study._fold(events)
            study._journal = Journal(path, size)
        return study

    def ask(self) -> Trial | None:
        """The next trial, or None: nothing can start before another tell, or all is asked for.

        Raises StudyUnwritable.
        """
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
        """Journals how a pending trial ended, whichever attempt at it the result comes from.

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
        """Journals that the infrastructure of a pending trial was lost; returns its next attempt.

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
        """Journals that a trial that crashed is to be run again; returns it, which is pending.

        Its crash is no evaluation any more, and the model forgets it; the model learns the new
        result when that is told. If the trial's rung has not ended, the result counts there; else
        the rung stays as it was: the trial is not promoted. Raises StudyError when the trial did
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

    def _replay(self, event: Event) -> None:
        """Moves the state on, then makes the optimizer decide again."""
        self._apply(event)
        self._decide(event)

    def _decide(self, event: Event) -> None:
        replay = EVENTS[event["event"]].replay
        if replay is not None:
            replay(self._master, self._state, event)


def _new_master(
    space: ConfigurationSpace, settings: OptimizerSettings, prior: Sequence[Observation]
) -> BOHBMaster:
    # Imported here, for it takes seconds that reading a study need not wait for.
    from oneshot_hpo.hpo.bohb.master import BOHBMaster

    return BOHBMaster(space, settings, prior)
