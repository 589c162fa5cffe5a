"""What appending to Optuna's journal can and cannot do, read by a storage that stays open."""

from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from oneshot_hpo.experiments.exports.optuna_journal import bring_up_to_date, open_journal

STARTED, ENDED = datetime(2026, 1, 1, 8), datetime(2026, 1, 1, 9)


def trial(name: str, state: TrialState, value: float | None = None, **more: Any) -> FrozenTrial:
    frozen = optuna.trial.create_trial(
        state=state, value=value, user_attrs={"id": name} | more, intermediate_values={}
    )
    frozen.datetime_start = STARTED
    frozen.datetime_complete = ENDED if state.is_finished() else None
    return frozen


def write(path: Path, *trials: FrozenTrial) -> None:
    bring_up_to_date(open_journal(path), "study", {"space": 1}, trials)


def reader(path: Path) -> JournalStorage:
    return JournalStorage(JournalFileBackend(str(path)))


def read(storage: JournalStorage) -> tuple[int, dict[str, tuple[Any, ...]]]:
    """The study's number, and its trials."""
    (study,) = storage.get_all_studies()
    assert (study.study_name, study.user_attrs) == ("study", {"space": 1})
    trials = storage.get_all_trials(study._study_id)
    return study._study_id, {
        t.user_attrs["id"]: (t.state, t.value, t.datetime_complete) for t in trials
    }


COMPLETE = trial("a", TrialState.COMPLETE, 0.5)


def test_a_running_trial_ends_when_it_ended_and_others_come(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    write(path, COMPLETE, trial("b", TrialState.RUNNING))
    storage = reader(path)
    assert read(storage)[1]["b"] == (TrialState.RUNNING, None, None)
    write(path, COMPLETE, trial("b", TrialState.PRUNED, 0.75), trial("c", TrialState.FAIL))
    assert read(storage) == read(reader(path))
    assert read(storage) == (
        0,
        {
            "a": (TrialState.COMPLETE, 0.5, ENDED),
            "b": (TrialState.PRUNED, 0.75, ENDED),
            "c": (TrialState.FAIL, None, ENDED),
        },
    )


@pytest.mark.parametrize(
    "later",
    [
        (trial("a", TrialState.RUNNING),),  # a crash, say, that is run again
        (trial("a", TrialState.COMPLETE, 0.25),),
        (trial("a", TrialState.COMPLETE, 0.5, seen=1),),
        (trial("b", TrialState.COMPLETE, 0.5), COMPLETE),  # of equals the first is the best
        (trial("b", TrialState.COMPLETE, 0.5),),
    ],
)
def test_what_cannot_be_appended_to_is_made_again_in_the_same_file(
    tmp_path: Path, later: tuple[FrozenTrial, ...]
) -> None:
    path = tmp_path / "journal.log"
    write(path, COMPLETE)
    storage = reader(path)
    before = path.read_bytes()
    assert read(storage)[0] == 0
    write(path, *later)
    assert path.read_bytes().startswith(before)
    assert read(storage) == read(reader(path))
    number, trials = read(storage)
    assert number == 1
    assert trials == {t.user_attrs["id"]: (t.state, t.value, t.datetime_complete) for t in later}
    assert list(trials) == [t.user_attrs["id"] for t in later]


def test_what_a_user_wrote_with_the_dashboard_stays(tmp_path: Path) -> None:
    path = tmp_path / "journal.log"
    write(path, COMPLETE)
    storage = reader(path)
    storage.set_study_system_attr(0, "dashboard:note", "mine")
    write(path, COMPLETE, trial("b", TrialState.RUNNING))
    assert storage.get_study_system_attrs(0) == {"dashboard:note": "mine"}


@pytest.mark.parametrize("torn", [b'{"op_code": 4, "wor', b""])
def test_a_torn_last_line_is_cut(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "journal.log"
    write(path, COMPLETE)
    storage = reader(path)
    path.write_bytes(path.read_bytes() + torn)
    write(path, COMPLETE, trial("b", TrialState.RUNNING))
    assert list(read(storage)[1]) == list(read(reader(path))[1]) == ["a", "b"]


@pytest.mark.parametrize("content", [b"no journal\n", b"[]\n", b"{}\n", b'{"op_code": 99}\n', b"x"])
def test_a_file_that_is_not_a_journal_is_replaced(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "journal.log"
    path.write_bytes(content)
    write(path, COMPLETE)
    assert list(read(reader(path))[1]) == ["a"]
