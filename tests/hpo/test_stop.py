"""A stop rule that was reached, and an extension by other rules: they decide nothing."""

import shutil
from pathlib import Path

import pytest
from support.toy_study import JOURNALS, create, decisions, drive, toy_result

from oneshot_hpo import hpo
from oneshot_hpo.hpo.extension import Extension
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.hpo.study_events import EXTENSION, STOP_REACHED

OWN = (STOP_REACHED, EXTENSION)
NO_RULE = Extension(stop={"evaluations": None})


def stopped(folder: Path, evaluations: int = 12) -> hpo.Study:
    """A study whose rule was reached while two trials ran, which have not finished."""
    study = create(folder)
    for _ in range(evaluations):
        trial = study.ask()
        assert trial is not None
        study.tell(trial, toy_result(trial))
    assert study.ask() is not None
    assert study.ask() is not None
    study.reach_stop("evaluations", "14 evaluations")
    return study


def test_nothing_starts_after_a_stop_and_what_runs_is_finished(tmp_path: Path) -> None:
    with stopped(tmp_path) as study:
        assert study.ask() is None
        assert not study.finished
        for trial in study.pending:
            study.tell(trial, toy_result(trial))
        assert study.finished
        assert study.ask() is None
    view = hpo.read_study(tmp_path)
    assert view.finished
    assert view.stop_reached is not None
    assert (view.stop_reached.rule, view.stop_reached.reason) == ("evaluations", "14 evaluations")
    assert len(view.evaluations) == 14 < view.total_evaluations
    with hpo.Study.open(tmp_path) as study:
        assert study.finished
        assert study.ask() is None


@pytest.mark.slow
def test_a_stopped_study_with_other_rules_equals_one_never_stopped(tmp_path: Path) -> None:
    with create(tmp_path / "whole") as study:
        for number in range(6):  # as in `stopped`: two run when the rule is reached
            trial = study.ask()
            assert trial is not None
            study.tell(trial, toy_result(trial))
            assert study.finished is False, number
        running = [study.ask(), study.ask()]
        for trial in filter(None, running):
            study.tell(trial, toy_result(trial))
        drive(study)
    with stopped(tmp_path / "stopped", evaluations=6) as study:
        for trial in study.pending:
            study.tell(trial, toy_result(trial))
        study.extend(NO_RULE)
        assert not study.finished
    with hpo.Study.open(tmp_path / "stopped") as study:
        assert study.stop_reached is None
        drive(study)
        assert study.finished
    found = [event for event in decisions(tmp_path / "stopped") if event["event"] not in OWN]
    assert found == decisions(tmp_path / "whole")


def test_a_rule_stays_reached_where_an_extension_has_no_other_rules(tmp_path: Path) -> None:
    with stopped(tmp_path) as study:
        study.extend(Extension(iterations=1))
        assert study.stop_reached is not None
        assert study.ask() is None
        study.extend(NO_RULE)
        assert study.ask() is not None
    assert hpo.read_study(tmp_path).stop_reached is None


def test_a_crash_can_be_run_again_after_a_stop(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, hpo.TrialResult(None, exception="RuntimeError: CUDA error"))
        study.reach_stop("wall_hours", "12 hours")
        assert study.finished
        study.retry_crash(trial)
        assert not study.finished
        study.tell(trial, hpo.TrialResult(0.5))
        assert study.finished
    assert hpo.read_study(tmp_path).finished


def test_a_stop_is_reached_once(tmp_path: Path) -> None:
    with stopped(tmp_path) as study:
        before = decisions(tmp_path)
        with pytest.raises(hpo.StudyError, match="reached before"):
            study.reach_stop("gpu_hours", "20 GPU hours")
        assert decisions(tmp_path) == before


def test_a_trial_cannot_start_in_a_stopped_study(tmp_path: Path) -> None:
    """A journal with a start after the stop was put together by hand: it is refused."""
    with create(tmp_path / "one") as study:
        study.ask()
        study.ask()
    with create(tmp_path / "two") as study:
        study.ask()
        study.reach_stop("evaluations", "1 evaluation")
    third = (tmp_path / "one" / JOURNAL_NAME).read_bytes().splitlines(keepends=True)[2]
    with (tmp_path / "two" / JOURNAL_NAME).open("ab") as journal:
        journal.write(third)
    with pytest.raises(hpo.CorruptJournal, match=r"line 4: .*stop rule evaluations was reached"):
        hpo.read_study(tmp_path / "two")


@pytest.mark.parametrize("old", sorted(JOURNALS.glob("format-*.jsonl")), ids=lambda path: path.stem)
def test_a_study_of_an_older_version_can_be_stopped(old: Path, tmp_path: Path) -> None:
    shutil.copy(old, tmp_path / JOURNAL_NAME)
    with hpo.Study.open(tmp_path) as study:
        study.reach_stop("evaluations", "32 evaluations")
        for trial in study.pending:
            study.tell(trial, toy_result(trial))
        assert study.finished
        study.extend(NO_RULE)
        drive(study)
    view = hpo.read_study(tmp_path)
    assert view.stop_reached is None
    assert view.extensions[-1].extension == NO_RULE
    assert len(view.evaluations) == view.total_evaluations == 40
    assert (tmp_path / JOURNAL_NAME).read_bytes().startswith(old.read_bytes())
