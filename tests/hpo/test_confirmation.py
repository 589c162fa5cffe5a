"""A confirmation's journal: order of the runs, cuts at any byte, additions."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oneshot_hpo.hpo import (
    Confirmation,
    CorruptJournal,
    Rerun,
    StudyError,
    StudyExists,
    TrialResult,
    read_confirmation,
)
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME, EVENTS
from oneshot_hpo.hpo.journal.file import read_journal
from oneshot_hpo.hpo.journal.line import sealed
from oneshot_hpo.hpo.randomness import trial_seed

DEFAULT, TUNED = {"learning_rate": 0.025}, {"learning_rate": 0.1}


def created(folder: Path) -> Confirmation:
    return Confirmation.create(folder, header={"name": "s"}, seed=3, budget=12)


def result(run: Rerun) -> TrialResult:
    """Depends on the run alone; one in five crashes."""
    if run.seed % 5 == 0:
        return TrialResult(None, exception="SearchDiverged")
    loss = (run.seed % 1000) / 1000 + run.config["learning_rate"]
    return TrialResult(loss, {"test_regret": loss})


def work(confirmation: Confirmation, most: int = 1000) -> list[Rerun]:
    """Ask and tell in turn; pending runs come first."""
    runs = list(confirmation.pending)
    for run in runs:
        confirmation.tell(run, result(run))
    while len(runs) < most and (run := confirmation.ask()) is not None:
        runs.append(run)
        confirmation.tell(run, result(run))
    return runs


def planned(folder: Path, seeds: int = 4) -> Confirmation:
    confirmation = created(folder) if not folder.exists() else Confirmation.open(folder)
    confirmation.plan("default", DEFAULT, seeds)
    confirmation.plan("0-0-1", TUNED, seeds, tuned=True)
    return confirmation


def decisions(folder: Path) -> list[dict[str, Any]]:
    events, _ = read_journal(folder / CONFIRMATION_NAME, EVENTS)
    return [{k: v for k, v in event.items() if k != "time"} for event in events]


def test_settings_are_paired_by_seed(tmp_path: Path) -> None:
    with planned(tmp_path / "c") as confirmation:
        runs = work(confirmation)
        assert confirmation.finished
        assert confirmation.ask() is None
    assert [run.key for run in runs[:4]] == ["default/0", "0-0-1/0", "default/1", "0-0-1/1"]
    by_number = {number: {run.seed for run in runs if run.number == number} for number in range(4)}
    assert all(len(seeds) == 1 for seeds in by_number.values())
    assert len(set.union(*by_number.values())) == 4
    assert trial_seed(3, (-1, 0, 0), 12) not in set.union(*by_number.values())
    assert {run.budget for run in runs} == {12}
    view = read_confirmation(tmp_path / "c")
    assert view.tuned == "0-0-1"
    assert [run.number for run, _ in view.results_of("default").values()] == [0, 1, 2, 3]


@pytest.mark.slow
def test_a_journal_cut_at_any_byte_ends_the_same(tmp_path: Path) -> None:
    with planned(tmp_path / "whole", 3) as confirmation:
        work(confirmation)
    content = (tmp_path / "whole" / CONFIRMATION_NAME).read_bytes()
    header = content.index(b"\n") + 1
    for size in range(header, len(content), 7):
        folder = tmp_path / "cut"
        folder.mkdir(exist_ok=True)
        (folder / CONFIRMATION_NAME).write_bytes(content[:size])
        with planned(folder, 3) as confirmation:
            work(confirmation)
        assert decisions(folder) == decisions(tmp_path / "whole")


def test_more_seeds_add_to_it_and_fewer_change_nothing(tmp_path: Path) -> None:
    with planned(tmp_path / "c", 2) as confirmation:
        first = work(confirmation)
    before = decisions(tmp_path / "c")
    with planned(tmp_path / "c", 1) as confirmation:
        assert confirmation.finished
    assert decisions(tmp_path / "c") == before
    with planned(tmp_path / "c", 3) as confirmation:
        assert confirmation.total_evaluations == 6
        more = work(confirmation)
    assert decisions(tmp_path / "c")[: len(before)] == before
    assert [run.key for run in more] == ["default/2", "0-0-1/2"]
    assert not {run.seed for run in first} & {run.seed for run in more}


def test_a_former_incumbent_gets_no_more_runs(tmp_path: Path) -> None:
    with planned(tmp_path / "c", 3) as confirmation:
        work(confirmation, 2)
        begun = confirmation.ask()
        assert begun is not None
        confirmation.plan("5-0-0", {"learning_rate": 0.5}, 3, tuned=True)
        runs = work(confirmation)
        assert [run.key for run in runs] == [
            *("default/1", "5-0-0/0", "5-0-0/1", "default/2", "5-0-0/2")
        ]
        assert confirmation.finished
        assert confirmation.tuned == "5-0-0"


def test_a_lost_run_is_tried_again_with_its_seed(tmp_path: Path) -> None:
    with planned(tmp_path / "c") as confirmation:
        run = confirmation.ask()
        assert run is not None
        again = confirmation.retry(run, "its worker died")
        assert (again.attempt, again.seed) == (1, run.seed)
    with Confirmation.open(tmp_path / "c") as confirmation:
        assert confirmation.pending == [again]
        confirmation.tell(again, result(again))
        with pytest.raises(StudyError, match="has already finished"):
            confirmation.tell(run, result(run))


def test_a_setting_keeps_its_configuration(tmp_path: Path) -> None:
    with planned(tmp_path / "c") as confirmation:
        with pytest.raises(StudyError, match="was planned with another configuration"):
            confirmation.plan("default", TUNED, 4)
        with pytest.raises(StudyExists):
            created(tmp_path / "c")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda event: event.update(seed=event["seed"] + 1), "expected"),
        (lambda event: event.update(number=3), "is not next"),
        (lambda event: event.update(setting="none"), "is not next"),
        (lambda event: event.update(event="tell"), "lacks"),
        (lambda event: event.pop("seed"), "lacks seed"),
    ],
)
def test_an_invalid_line_is_named(
    tmp_path: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    with planned(tmp_path / "c") as confirmation:
        confirmation.ask()
    path = tmp_path / "c" / CONFIRMATION_NAME
    events, _ = read_journal(path, EVENTS)
    change(events[3])
    path.write_bytes(b"".join(map(sealed, events)))
    with pytest.raises(CorruptJournal, match=message) as caught:
        read_confirmation(tmp_path / "c")
    assert caught.value.line == 4
