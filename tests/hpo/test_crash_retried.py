"""The effect of retried crashes on study, brackets and model."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.toy_study import JOURNALS, create, decisions, drive, toy_result

from oneshot_hpo import hpo
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME, read_journal
from oneshot_hpo.hpo.study_events import CRASH_RETRIED

CRASH = hpo.TrialResult(None, exception="RuntimeError: CUDA error")


def run_next(study: hpo.Study, *results: hpo.TrialResult) -> list[hpo.Trial]:
    """Run the next trials, one after another."""
    trials = []
    for result in results:
        trial = study.ask()
        assert trial is not None
        study.tell(trial, result)
        trials.append(trial)
    return trials


def losses(study: hpo.Study, budget: float) -> list[float]:
    """The model's observations at a budget, sorted."""
    generator: Any = study._master.config_generator
    seen = generator._observations[budget]
    seen.merge_new(generator.encoding)
    return list(seen.losses)


def test_a_retried_crash_is_pending_and_removed_from_the_model(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        baseline, *_, last = run_next(study, CRASH, hpo.TrialResult(0.5), CRASH)
        assert losses(study, last.budget) == [0.5, np.inf]
        assert study.retry_crash(last) == last
        assert study.pending == [last]
        assert [trial for trial, _ in study.evaluations] == [baseline, *_]
        assert losses(study, last.budget) == [0.5]
        study.retry(last, "its worker died")  # attempts are counted from 0 again
        assert study.pending[0].attempt == 1

        assert study.baseline is not None
        study.retry_crash(baseline)
        assert study.baseline is None
        assert losses(study, baseline.budget) == []
        study.tell(baseline, hpo.TrialResult(0.25))
        assert study.baseline == (baseline, hpo.TrialResult(0.25)) == study.incumbent
        assert losses(study, baseline.budget) == [0.25]
    assert hpo.read_study(tmp_path).baseline == (baseline, hpo.TrialResult(0.25))


def test_a_result_in_an_open_rung_is_promoted_like_any_other(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        _, first, *_ = run_next(study, *[hpo.TrialResult(0.5)] * 4)
        (crashed,) = run_next(study, CRASH)
        assert crashed.budget == first.budget  # the last one of its rung
        study.retry_crash(crashed)
        other = study.ask()
        assert other is not None
        assert other.id[0] == 1  # of the next bracket: the rung waits
        study.tell(crashed, hpo.TrialResult(0.1))
        promoted = [study.ask(), study.ask()]
        assert [(t.id, t.budget) for t in promoted if t] == [(first.id, 2), (crashed.id, 2)]


def test_a_result_after_the_end_of_its_rung_enters_the_model_alone(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        _, crashed, *_ = run_next(study, hpo.TrialResult(0.5), CRASH, *[hpo.TrialResult(0.4)] * 4)
        assert study.evaluations[-1][0].budget > crashed.budget
        before = losses(study, crashed.budget)
        study.retry_crash(crashed)
        study.tell(crashed, hpo.TrialResult(0.01))
        assert losses(study, crashed.budget) == sorted([*before[:-1], 0.01])
        drive(study)
        assert study.finished
        assert len(study.evaluations) == study.total_evaluations
        runs = [trial.budget for trial, _ in study.evaluations if trial.id == crashed.id]
        assert runs == [crashed.budget]


def retrying(folder: Path, *, reopen: bool, **changes: Any) -> list[dict[str, Any]]:
    """Decisions of a study in which every crash is retried later.

    reopen: whether it is closed and opened after each event.
    """
    create(folder, **changes).close()
    study = hpo.Study.open(folder)
    retried: set[str] = set()

    for step in range(10_000):
        if reopen:
            study.close()
            study = hpo.Study.open(folder)

        crashes = [t for t, r in study.evaluations if r.crashed and t.key not in retried]
        if study.pending:
            trial = study.pending[0]
            again = hpo.TrialResult(0.3 + step / 1e4)
            study.tell(trial, again if trial.key in retried else toy_result(trial))
        elif crashes and (len(study.evaluations) % 5 == 0 or study.finished):
            retried.add(study.retry_crash(crashes[0]).key)
        elif study.ask() is None:
            break

    assert study.finished
    study.close()
    assert len(retried) > 2
    return decisions(folder)


@pytest.mark.slow
@pytest.mark.parametrize("generator", ["vectorised", "hpbandster"])
def test_a_kill_around_each_event_changes_nothing(
    tmp_path: Path, generator: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if generator == "hpbandster":  # which knows no ordinals
        from support import toy_study

        from oneshot_hpo.hpo import configuration_space

        monkeypatch.setattr(
            toy_study, "mixed_space", lambda: configuration_space("cs1", image_size=8)
        )
    changes = {"generator": generator, "iterations": 12}
    whole = retrying(tmp_path / "whole", reopen=False, **changes)
    assert retrying(tmp_path / "killed", reopen=True, **changes) == whole
    late = [e for e in whole[-40:] if e["event"] == "ask" and e["info"]["model_based_pick"]]
    assert late


@pytest.mark.parametrize("old", sorted(JOURNALS.glob("format-*.jsonl")), ids=lambda path: path.stem)
def test_a_crash_in_an_old_journal_is_retried_under_its_old_header(
    old: Path, tmp_path: Path
) -> None:
    shutil.copy(old, tmp_path / JOURNAL_NAME)
    with hpo.Study.open(tmp_path) as study:
        crashed = next(trial for trial, result in study.evaluations if result.crashed)
        study.retry_crash(crashed)
        study.tell(crashed, hpo.TrialResult(0.5))
    assert (tmp_path / JOURNAL_NAME).read_bytes().startswith(old.read_bytes())
    events, _ = read_journal(tmp_path / JOURNAL_NAME)
    assert [e["event"] for e in events[-2:]] == [CRASH_RETRIED, "tell"]
    assert events[-2]["format"] == 4
    with hpo.Study.open(tmp_path) as study:
        assert study.evaluations[-1] == (crashed, hpo.TrialResult(0.5))
        drive(study)
        assert study.finished


def test_only_a_crashed_trial_can_be_retried(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        (fine,) = run_next(study, hpo.TrialResult(0.5))
        pending = study.ask()
        assert pending is not None
        before = (tmp_path / JOURNAL_NAME).read_bytes()
        for trial in (fine, pending):
            with pytest.raises(hpo.StudyError, match="did not crash"):
                study.retry_crash(trial)
        assert (tmp_path / JOURNAL_NAME).read_bytes() == before
        study.tell(pending, CRASH)
