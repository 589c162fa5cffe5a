import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.toy_study import create, decisions, drive, mixed_space, toy_result, toy_settings

from oneshot_hpo import hpo
from oneshot_hpo.hpo.brackets import bracket
from oneshot_hpo.hpo.journal.file import read_journal

CRASH = hpo.TrialResult(None, exception="ArithmeticError: diverged")


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return read_journal(folder / "journal.jsonl")[0]


@pytest.mark.slow
def test_a_study_runs_what_is_planned_baseline_first(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        assert (study.finished, study.evaluations, study.incumbent) == (False, [], None)
        drive(study)
        assert study.finished
        assert study.ask() is None
        assert study.pending == []
        evaluations = study.evaluations
        assert len(evaluations) == study.total_evaluations
        first = evaluations[0][0]
        assert (first.id, first.budget, first.key) == ((-1, 0, 0), 4, "baseline/4")
        assert first.config == dict(mixed_space().get_default_configuration())
        assert study.baseline == evaluations[0]
        assert len({trial.key for trial, _ in evaluations}) == len(evaluations)
        assert len({trial.seed for trial, _ in evaluations}) == len(evaluations)
        for i, state in enumerate(study.brackets):
            sizes = [rung.size for rung in bracket(study.settings, i)]
            assert [rung.planned for rung in state.rungs] == sizes
            assert [rung.started for rung in state.rungs] == sizes
            assert [rung.finished for rung in state.rungs] == sizes
    asks = [e for e in lines_of(tmp_path) if e["event"] == "ask"]
    assert any(e["info"]["model_based_pick"] for e in asks)
    assert all(type(trial.budget) is int for trial, _ in evaluations)


@pytest.mark.slow
def test_the_same_seed_gives_the_same_journal_and_another_one_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        with create(tmp_path / name, seed=seed) as study:
            drive(study)
    assert decisions(tmp_path / "a") == decisions(tmp_path / "b")
    assert decisions(tmp_path / "a")[4:] != decisions(tmp_path / "c")[4:]


def test_times_are_under_their_two_keys_alone(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, hpo.TrialResult(0.5, {}, None, {"started": 1.0, "finished": 2.0}))
    header, ask, tell = lines_of(tmp_path)
    assert header.keys() == {"event", "format", "study", "optimizer", "space", "prior", "time"}
    assert ask.keys() == {"event", "seq", "id", "budget", "config", "info", "time"}
    assert tell.keys() == (ask.keys() - {"config"}) | {"loss", "exception", "timestamps"}
    assert tell["timestamps"] == {"started": 1.0, "finished": 2.0}


def test_a_record_has_the_times_of_ask_and_tell(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        trial = study.ask()
        assert trial is not None
        assert study.record(trial).finished_at is None
        study.tell(trial, hpo.TrialResult(0.5))
        _, ask, tell = lines_of(tmp_path)
        expected = hpo.TrialRecord({"model_based_pick": False}, ask["time"], tell["time"])
        assert study.record(trial) == expected
    assert hpo.read_study(tmp_path).record(trial) == expected


def test_the_incumbent_is_the_best_at_the_largest_budget_and_never_a_crash(
    tmp_path: Path,
) -> None:
    with create(tmp_path) as study:
        losses = iter([None, 0.9, 0.1, 0.3, 0.4])
        expected: list[tuple | None] = [None, (0, 0, 0), (0, 0, 1), (0, 0, 1), (0, 0, 1)]
        for loss, incumbent in zip(losses, expected, strict=True):
            trial = study.ask()
            assert trial is not None
            study.tell(trial, hpo.TrialResult(loss))
            assert (study.incumbent and study.incumbent[0].id) == incumbent
        higher = study.ask()
        assert higher is not None
        assert higher.budget == 2
        study.tell(higher, hpo.TrialResult(0.8))
        assert study.incumbent is not None
        assert study.incumbent[0] == higher
        assert study.baseline is not None
        assert study.baseline[1].crashed


@pytest.mark.parametrize(
    "result",
    [
        hpo.TrialResult(float("nan")),
        hpo.TrialResult(float("-inf")),
        hpo.TrialResult(0.1, exception="late failure"),
        hpo.TrialResult("0.1"),  # type: ignore[arg-type]
        CRASH,
    ],
)
def test_a_loss_that_is_not_finite_is_a_crash(tmp_path: Path, result: hpo.TrialResult) -> None:
    with create(tmp_path) as study:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, result)
        assert study.incumbent is None
        recorded = study.evaluations[0][1]
        assert recorded.loss is None
        assert recorded.exception
        assert recorded.crashed
        assert result.crashed
    text = (tmp_path / "journal.jsonl").read_text()
    assert "NaN" not in text
    assert "Infinity" not in text
    assert lines_of(tmp_path)[-1]["loss"] is None


def test_a_study_of_nothing_but_crashes_still_ends(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        while (trial := study.ask()) is not None:
            study.tell(trial, CRASH)
        assert study.finished
        assert study.incumbent is None


def test_numpy_values_are_journaled_as_plain_ones(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        trial = study.ask()
        assert trial is not None
        info = {"a": np.float32(0.5), "b": np.arange(2), "c": float("nan")}
        study.tell(trial, hpo.TrialResult(np.float64(0.25), info))  # type: ignore[arg-type]
        result = study.evaluations[0][1]
        assert result == hpo.TrialResult(0.25, {"a": 0.5, "b": [0, 1], "c": None})
    assert hpo.read_study(tmp_path).evaluations[0][1] == result


def test_bad_tells_are_refused_and_journal_nothing(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        trial = study.ask()
        assert trial is not None
        stranger = hpo.Trial((5, 0, 0), 1, {}, 0, 0, 0)
        bad: list[tuple[hpo.Trial, hpo.TrialResult, str]] = [
            (stranger, hpo.TrialResult(0.1), r"\[5, 0, 0\] at budget 1 has not started"),
            (trial, hpo.TrialResult(0.1, {"x": object()}), "object"),
            (trial, hpo.TrialResult(0.1, {}, None, {"started": float("nan")}), "timestamps"),
        ]
        for other, result, message in bad:
            with pytest.raises(hpo.StudyError, match=message):
                study.tell(other, result)
        study.tell(trial, hpo.TrialResult(0.1))
        with pytest.raises(hpo.StudyError, match="has already finished"):
            study.tell(trial, hpo.TrialResult(0.2))
        with pytest.raises(hpo.StudyError, match="has already finished"):
            study.retry(trial, "lost")
    assert [e["event"] for e in lines_of(tmp_path)] == ["header", "ask", "tell"]


@pytest.mark.slow
def test_retries_count_attempts_and_change_no_decision(tmp_path: Path) -> None:
    with create(tmp_path / "calm") as study:
        drive(study)
    with create(tmp_path / "rough") as study:
        for number in range(6):
            trial = study.ask()
            assert trial is not None
            for attempt in range(number % 3):
                trial = study.retry(trial, "worker killed")
                assert trial.attempt == attempt + 1
                assert study.pending == [trial]
            study.tell(trial, toy_result(trial))
    view = hpo.read_study(tmp_path / "rough")
    assert [trial.attempt for trial, _ in view.evaluations] == [0, 1, 2, 0, 1, 2]
    with hpo.Study.open(tmp_path / "rough") as study:
        drive(study)
    rough = [e for e in decisions(tmp_path / "rough") if e["event"] != "retry"]
    assert rough == decisions(tmp_path / "calm")


def test_a_late_result_of_an_earlier_attempt_counts(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        trial = study.ask()
        assert trial is not None
        study.retry(trial, "worker lost")
        study.tell(trial, hpo.TrialResult(0.5))
        assert study.evaluations[0][0].attempt == 1


def test_ask_returns_none_while_the_last_rung_is_unfinished(tmp_path: Path) -> None:
    with create(tmp_path, iterations=1) as study:
        trials = [study.ask() for _ in range(5)]
        assert study.ask() is None
        assert not study.finished
        for trial in trials:
            assert trial is not None
            study.tell(trial, hpo.TrialResult(0.5))
        promoted = study.ask()
        assert promoted is not None
        assert (promoted.id, promoted.budget) == ((0, 0, 0), 2)


def test_an_existing_study_is_not_overwritten(tmp_path: Path) -> None:
    create(tmp_path).close()
    before = (tmp_path / "journal.jsonl").read_bytes()
    with pytest.raises(hpo.StudyExists, match=f"{tmp_path} already holds a study"):
        create(tmp_path)
    assert (tmp_path / "journal.jsonl").read_bytes() == before
    hpo.Study.open(tmp_path).close()  # the lock is free


def test_a_kill_during_creation_can_be_repeated(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl.new").write_text('{"event": "hea')
    (tmp_path / "lock").touch()
    create(tmp_path).close()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["journal.jsonl", "lock"]


def test_a_held_study_is_refused_but_can_be_read(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        study.ask()
        with pytest.raises(hpo.StudyLocked, match="held by another master"):
            hpo.Study.open(tmp_path)
        assert hpo.read_study(tmp_path).pending == study.pending
    with pytest.raises(hpo.StudyError, match="closed"):
        study.ask()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(hpo.StudyUnwritable, match="study cannot be written"):
        create(tmp_path / "file" / "study")
    with pytest.raises(hpo.StudyNotFound, match="no study in"):
        hpo.Study.open(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


def test_settings_that_do_not_fit_the_space_leave_no_study(tmp_path: Path) -> None:
    with pytest.raises(hpo.InvalidSettings, match="min_points_in_model"):
        create(tmp_path, min_points_in_model=2)
    create(tmp_path).close()


@pytest.mark.slow
def test_reading_a_study_imports_no_hpbandster(tmp_path: Path) -> None:
    create(tmp_path).close()
    code = (
        "import sys, hpo; hpo.configuration_space('cs3'); hpo.read_study(sys.argv[1]).brackets;"
        "heavy = {'hpbandster', 'statsmodels', 'pandas', 'torch', 'dask', 'distributed'};"
        "sys.exit(', '.join(heavy & sys.modules.keys()) or 0)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)


@pytest.mark.slow
def test_the_papers_study_has_281_evaluations_with_the_baseline(tmp_path: Path) -> None:
    settings = toy_settings(
        min_budget=25, max_budget=100, iterations=64, bracket_sizes="hpbandster"
    )
    space = hpo.configuration_space("cs3")
    with hpo.Study.create(tmp_path, header={}, space=space, settings=settings) as study:
        drive(study, workers=16)
        assert len(study.evaluations) == study.total_evaluations == 281
