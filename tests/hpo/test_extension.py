"""A study that is extended: its brackets, rungs and decisions, and what is refused."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.toy_study import JOURNALS, create, decisions, drive, toy_result

from oneshot_hpo import hpo
from oneshot_hpo.hpo.extension import DROPPED, Extension
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME, read_journal
from oneshot_hpo.hpo.journal.line import sealed
from oneshot_hpo.hpo.study_events import EXTENSION
from oneshot_hpo.hpo.verify import differences

MINE = {"rate": 0.5, "optimizer": "adam", "width": 8}
OTHER = {"rate": 0.25, "optimizer": "sgd", "width": 16, "momentum": 0.5}


def extended(folder: Path, *extensions: Extension, workers: int = 1, **changes: Any) -> Path:
    """A study that is run to its end before and after each extension."""
    with create(folder, **changes) as study:
        drive(study, workers)
        for extension in extensions:
            study.extend(extension)
            drive(study, workers)
        assert study.finished
    assert not differences(folder)
    return folder


def without_extensions(folder: Path) -> list[dict[str, Any]]:
    """Decisions after the header."""
    return [event for event in decisions(folder)[1:] if event["event"] != EXTENSION]


def run_until(study: hpo.Study, evaluations: int) -> None:
    while len(study.evaluations) < evaluations:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, toy_result(trial))


def rungs(study: hpo.StudyView, bracket: int) -> list[tuple[float, int, int]]:
    """Budget, planned and finished runs of each rung."""
    return [(r.budget, r.planned, r.finished) for r in study.brackets[bracket].rungs]


@pytest.mark.slow
def test_five_brackets_and_four_more_are_the_same_study_as_nine(tmp_path: Path) -> None:
    extended(tmp_path / "five", Extension(iterations=4), iterations=5)
    extended(tmp_path / "nine", iterations=9)
    assert without_extensions(tmp_path / "five") == decisions(tmp_path / "nine")[1:]
    five, nine = hpo.read_study(tmp_path / "five"), hpo.read_study(tmp_path / "nine")
    assert five.settings == nine.settings
    assert five.brackets == nine.brackets
    assert five.total_evaluations == nine.total_evaluations
    assert [one.extension for one in five.extensions] == [Extension(iterations=4)]
    late = [event for event in decisions(tmp_path / "five")[-30:] if event["event"] == "ask"]
    assert any(event["info"]["model_based_pick"] for event in late)


@pytest.mark.slow
def test_brackets_added_before_the_last_one_starts_are_the_same_for_any_workers(
    tmp_path: Path,
) -> None:
    with create(tmp_path / "two", iterations=2) as study:
        run_until(study, 4)
        study.extend(Extension(iterations=3))
        drive(study, workers=3)
    with create(tmp_path / "five", iterations=5) as study:
        run_until(study, 4)
        drive(study, workers=3)
    assert without_extensions(tmp_path / "two") == decisions(tmp_path / "five")[1:]


@pytest.mark.slow
def test_a_rung_added_before_the_first_trial_is_the_same_as_launched(tmp_path: Path) -> None:
    with create(tmp_path / "low", iterations=3) as study:
        study.extend(Extension(max_budget=8))
        drive(study)
    with create(tmp_path / "high", iterations=3, max_budget=8) as study:
        drive(study)
    assert without_extensions(tmp_path / "low") == decisions(tmp_path / "high")[1:]


def test_a_rung_on_top_promotes_the_best_of_each_bracket(tmp_path: Path) -> None:
    with create(tmp_path, iterations=3) as study:
        drive(study)
        before = {
            n: [(t.id, r.loss) for t, r in study.evaluations if (t.id[0], t.budget) == (n, 4)]
            for n in range(3)
        }
        study.extend(Extension(max_budget=8, iterations=1))
        assert not study.finished
        assert rungs(study, 0) == [(1, 4, 4), (2, 2, 2), (4, 1, 1), (8, 1, 0)]
        assert rungs(study, 2) == [(4, 3, 3), (8, 1, 0)]
        assert rungs(study, 3) == [(1, 8, 0), (2, 4, 0), (4, 2, 0), (8, 1, 0)]
        drive(study)
        new = [t for t, _ in study.evaluations if t.budget == 8 and t.id[0] < 3]

    assert new[0].id == hpo.BASELINE_ID  # beside which the new incumbent is compared
    assert study.baseline is not None
    assert study.baseline[0].budget == 8
    assert [trial.id[0] for trial in new[1:]] == [0, 1, 2]
    for trial in new[1:]:
        finite = [(loss, n) for n, (_, loss) in enumerate(before[trial.id[0]]) if loss is not None]
        assert not finite or trial.id == before[trial.id[0]][min(finite)[1]][0]
    assert hpo.read_study(tmp_path).total_evaluations == len(study.evaluations)
    assert differences(tmp_path) == []


def test_a_default_in_the_first_bracket_gets_no_evaluation_of_its_own(tmp_path: Path) -> None:
    extended(tmp_path, Extension(max_budget=8), iterations=2, default_budget="min")
    view = hpo.read_study(tmp_path)
    assert len(view.evaluations) == sum(r.planned for b in view.brackets for r in b.rungs)


WAYS: tuple[Callable[[hpo.Study], Extension], ...] = (
    lambda study: Extension(max_budget=8, stop={"gpu_hours": 20}),
    lambda study: Extension(iterations=2, add=[MINE, OTHER]),
    lambda study: Extension(iterations=1, drop=[(t.id, t.budget) for t in study.pending]),
)
"""Three extensions; the last one drops what is pending."""


def extended_in_three_ways(folder: Path, *, reopen: bool) -> list[dict[str, Any]]:
    """Decisions of a study that is extended when it has 12, 20 and 30 evaluations.

    reopen: whether it is closed and opened after each event.
    """
    create(folder, iterations=4).close()
    study = hpo.Study.open(folder)
    at = dict(zip((12, 20, 30), WAYS, strict=True))

    while not study.finished or at:
        if reopen:
            study.close()
            study = hpo.Study.open(folder)
        if study.pending and len(study.evaluations) in at:
            study.extend(at.pop(len(study.evaluations))(study))
        elif study.pending:
            study.tell(study.pending[0], toy_result(study.pending[0]))
        else:
            assert study.ask() is not None

    study.close()
    return decisions(folder)


@pytest.mark.slow
def test_kills_around_each_event_of_a_study_extended_three_times_change_nothing(
    tmp_path: Path,
) -> None:
    whole = extended_in_three_ways(tmp_path / "whole", reopen=False)
    assert extended_in_three_ways(tmp_path / "killed", reopen=True) == whole
    assert [event["event"] for event in whole].count(EXTENSION) == 3
    assert not differences(tmp_path / "whole")


def test_an_extension_is_whole_or_not_there(tmp_path: Path) -> None:
    with create(tmp_path, iterations=1) as study:
        run_until(study, 3)
        pending = study.ask()
        assert pending is not None
        before = study.total_evaluations
        kept = (tmp_path / JOURNAL_NAME).read_bytes()
        drop = [(pending.id, pending.budget)]
        study.extend(Extension(iterations=1, max_budget=8, add=[MINE], drop=drop))
    whole = (tmp_path / JOURNAL_NAME).read_bytes()
    for end in range(len(kept), len(whole), 7):
        (tmp_path / JOURNAL_NAME).write_bytes(whole[:end])
        view = hpo.read_study(tmp_path)
        assert (view.total_evaluations, view.pending) == (before, [pending])
    with hpo.Study.open(tmp_path) as study:
        assert not study.extensions
        assert (tmp_path / JOURNAL_NAME).read_bytes() == kept


def test_added_configurations_start_the_next_brackets(tmp_path: Path) -> None:
    with create(tmp_path, iterations=3) as study:
        run_until(study, 3)
        study.extend(Extension(add=[MINE, OTHER, MINE, OTHER]))  # bracket 1 starts with 3
        drive(study)
    asks = [event for event in decisions(tmp_path) if event["event"] == "ask"]
    first = {(tuple(e["id"]), e["budget"]): e for e in asks if e["info"].get("added")}
    ids = [(1, 0, 0), (1, 0, 1), (1, 0, 2), (2, 0, 0)]
    started = [(trial_id, 2 if trial_id[0] == 1 else 4) for trial_id in ids]
    assert [key for key in first if key in started] == started
    assert {key[0] for key in first} == set(ids)  # and those of them that were promoted
    assert [first[key]["config"] for key in started] == [MINE, OTHER, MINE, OTHER]
    assert not differences(tmp_path)


def test_a_dropped_trial_is_a_crash_that_can_be_run_again(tmp_path: Path) -> None:
    with create(tmp_path, iterations=1) as study:
        run_until(study, 3)
        trial = study.ask()
        assert trial is not None
        study.extend(Extension(drop=[(trial.id, trial.budget)]))
        assert study.pending == []
        assert study.evaluations[-1] == (trial, hpo.TrialResult(None, exception=DROPPED))
        assert study.record(trial).finished_at is not None
        drive(study)
        assert [t.budget for t, _ in study.evaluations if t.id == trial.id] == [trial.budget]
        study.retry_crash(trial)
        study.tell(trial, hpo.TrialResult(0.5))
        assert study.finished
    assert not differences(tmp_path)


REFUSED: dict[str, tuple[Extension, str]] = {
    "nothing": (Extension(), "it extends nothing"),
    "does not fit": (Extension(max_budget=12), "the rung above 4 has 8"),
    "not above": (Extension(max_budget=4), "the rung above 4 has 8"),
    "too many": (Extension(iterations=1_000_000), "iterations"),
    "outside": (Extension(iterations=1, add=[MINE | {"rate": 2.0}]), "rate cannot be 2.0"),
    "unknown": (Extension(iterations=1, add=[MINE | {"depth": 2}]), "unknown hyperparameter depth"),
    "no bracket": (Extension(add=[MINE]), "have room for 0: extend the study by more brackets"),
    "no room": (Extension(iterations=1, add=[MINE] * 9), "9 added configurations wait"),
    "no trial": (Extension(drop=[((0, 0, 9), 1)]), "has not started"),
    "finished": (Extension(drop=[((0, 0, 0), 1)]), "has already finished"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_bad_extension_is_refused_and_changes_nothing(tmp_path: Path, case: str) -> None:
    extension, words = REFUSED[case]
    with create(tmp_path, iterations=1) as study:
        run_until(study, 5)
        before = (tmp_path / JOURNAL_NAME).read_bytes()
        with pytest.raises(hpo.StudyError, match=words):
            study.extend(extension)
        assert (tmp_path / JOURNAL_NAME).read_bytes() == before
        drive(study)
    assert study.finished


def test_a_trial_is_dropped_once(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        trial = study.ask()
        assert trial is not None
        with pytest.raises(hpo.StudyError, match="twice"):
            study.extend(Extension(drop=[(trial.id, trial.budget)] * 2))
        assert study.pending == [trial]


def rewritten(folder: Path, changes: dict[str, Any]) -> None:
    """Change the extension of a journal as somebody might who edits it."""
    events, _ = read_journal(folder / JOURNAL_NAME)
    lines: Sequence[dict[str, Any]] = [
        event | (changes if event["event"] == EXTENSION else {}) for event in events
    ]
    (folder / JOURNAL_NAME).write_bytes(b"".join(map(sealed, lines)))


@pytest.mark.parametrize(
    "changes",
    [{"max_budget": 16}, {"drop": [{"id": [7, 0, 0], "budget": 1}]}, {"add": [MINE] * 20}],
)
def test_a_journal_with_an_extension_that_cannot_be_is_corrupt(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    extended(tmp_path, Extension(max_budget=8, iterations=1), iterations=1)
    rewritten(tmp_path, changes)
    for read in (hpo.read_study, hpo.Study.open):
        with pytest.raises(hpo.CorruptJournal, match="line 18"):
            read(tmp_path)


def test_a_replay_takes_added_configurations_from_the_extension(tmp_path: Path) -> None:
    extended(tmp_path, Extension(iterations=1, add=[MINE]), iterations=1)
    for config, words in ((OTHER, "config is"), ({"rate": 2.0}, "rate cannot be 2.0")):
        rewritten(tmp_path, {"add": [config]})
        with pytest.raises(hpo.CorruptJournal, match=words):
            hpo.Study.open(tmp_path)


@pytest.mark.parametrize("old", sorted(JOURNALS.glob("format-*.jsonl")), ids=lambda path: path.stem)
def test_an_old_journal_is_extended_under_its_old_header(old: Path, tmp_path: Path) -> None:
    shutil.copy(old, tmp_path / JOURNAL_NAME)
    with hpo.Study.open(tmp_path) as study:
        dropped = study.pending[0]
        drop = [(dropped.id, dropped.budget)]
        study.extend(Extension(max_budget=8, iterations=1, add=[MINE], drop=drop))
    assert (tmp_path / JOURNAL_NAME).read_bytes().startswith(old.read_bytes())
    with hpo.Study.open(tmp_path) as study:
        drive(study)
        assert study.finished
    assert len(hpo.read_study(tmp_path).brackets) == 9
