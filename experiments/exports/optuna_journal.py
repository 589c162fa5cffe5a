"""Updates Optuna's journal file by appending to it.

A reader of the file, such as an open optuna-dashboard, remembers how far it has read. So no line of
the file may change. Nor can Optuna change a finished trial: if the study's journal now has another
result for one, the Optuna study is deleted and created again, also by lines at the end of the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

ID = "id"
"""The attribute of a trial with the id of its configuration."""


class Backend(JournalFileBackend):
    """A journal file to which several lines of a trial can be appended at once."""

    _batch: list[dict[str, Any]] | None = None

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append lines, or keep them for the end of the batch."""
        if self._batch is None:
            super().append_logs(logs)
        else:
            self._batch += logs

    @contextmanager
    def batch(self, ended: datetime | None) -> Iterator[None]:
        """Append the body's lines at its end, with `ended` as the time of a finished trial."""
        self._batch = []
        try:
            yield
            lines = self._batch
        finally:
            self._batch = None
        if ended is not None:
            date = {"datetime_complete": ended.astimezone(UTC).isoformat()}
            lines = [line | date if "datetime_complete" in line else line for line in lines]
        if lines:
            self.append_logs(lines)


def open_journal(path: Path) -> Backend:
    """Open the file up to its last whole line, or a new one if it is missing or unreadable."""
    if path.exists():
        data = path.read_bytes()
        path.write_bytes(data[: data.rfind(b"\n") + 1])
    try:
        JournalStorage(Backend(str(path)))
        # Optuna ignores a last line that is not JSON, until another line follows.
        for line in path.read_bytes().splitlines():
            json.loads(line)
    except Exception:  # whatever Optuna raises for lines that are not of its journal
        path.unlink()
    return Backend(str(path))


def bring_up_to_date(
    journal: Backend,
    name: str,
    attributes: Mapping[str, Any],
    trials: Sequence[FrozenTrial],
) -> None:
    """Append whatever of these trials is missing in the journal; the study is minimised."""
    storage = JournalStorage(journal)
    present = _present(storage, name)
    if present is not None and not _can_append(present, trials):
        storage.delete_study(storage.get_study_id_from_name(name))
        present = None
    if present is None:
        created = optuna.create_study(storage=storage, study_name=name, direction="minimize")
        for key, value in attributes.items():
            created.set_user_attr(key, value)
        present = {}

    study = optuna.load_study(study_name=name, storage=storage)
    for trial in trials:
        before = present.get(trial.user_attrs[ID])
        if before is None:
            study.add_trial(trial)
        elif not before.state.is_finished():
            _append_new(journal, storage, before, trial)


def _present(storage: JournalStorage, name: str) -> dict[str, FrozenTrial] | None:
    """The study's trials by configuration, in order; None if there is no such study."""
    if name not in (study.study_name for study in storage.get_all_studies()):
        return None
    trials = storage.get_all_trials(storage.get_study_id_from_name(name))
    return {trial.user_attrs.get(ID, f"unknown {trial.number}"): trial for trial in trials}


def _can_append(present: Mapping[str, FrozenTrial], trials: Sequence[FrozenTrial]) -> bool:
    """Whether appending can turn the trials in the file into these, with the same best one."""
    wanted = {trial.user_attrs[ID]: trial for trial in trials}
    if not present.keys() <= wanted.keys():
        return False
    for name, trial in present.items():
        if trial.state.is_finished() and _content(trial) != _content(wanted[name]):
            return False
    in_file = [*(wanted[name] for name in present), *trials]
    return _best(in_file) == _best(trials)


def _content(trial: FrozenTrial) -> Any:
    """The content of a trial that must not change, as JSON stores it."""
    dates = [str(trial.datetime_start), str(trial.datetime_complete)]
    parts = [trial.values, trial.params, trial.intermediate_values, trial.user_attrs, dates]
    return trial.state, json.loads(json.dumps(parts))


def _best(trials: Sequence[FrozenTrial]) -> str | None:
    """The configuration that Optuna calls the best: the first one with the lowest loss."""
    losses = [t.value if t.state == TrialState.COMPLETE else None for t in trials]
    complete = [loss for loss in losses if loss is not None]
    return trials[losses.index(min(complete))].user_attrs[ID] if complete else None


def _append_new(
    journal: Backend, storage: JournalStorage, before: FrozenTrial, trial: FrozenTrial
) -> None:
    """Append what is new of a running trial."""
    number = before._trial_id
    with journal.batch(trial.datetime_complete):
        for step, value in trial.intermediate_values.items():
            if step not in before.intermediate_values:
                storage.set_trial_intermediate_value(number, step, value)
        for key, value in trial.user_attrs.items():
            if json.loads(json.dumps(value)) != before.user_attrs.get(key):
                storage.set_trial_user_attr(number, key, value)
        if trial.state.is_finished():
            storage.set_trial_state_values(number, trial.state, trial.values)
