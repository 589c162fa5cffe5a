"""Promoted trials that go on where the ones below ended."""

import json
import shutil
from pathlib import Path

import pytest
from support.toy_study import JOURNALS, create, decisions, drive, toy_settings

from oneshot_hpo import hpo
from oneshot_hpo.hpo.brackets import bracket, own_budgets
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.hpo.randomness import trial_seed
from oneshot_hpo.hpo.verify import differences


def asks(folder: Path) -> list[dict]:
    return [event for event in decisions(folder) if event["event"] == "ask"]


def test_the_journal_says_where_a_promoted_trial_goes_on(tmp_path: Path) -> None:
    with create(tmp_path, promotion="continue") as study:
        drive(study, workers=3)
        trials = [trial for trial, _ in study.evaluations]
    promoted = [trial for trial in trials if trial.continues is not None]
    assert {(trial.budget, trial.continues) for trial in promoted} == {(2, 1), (4, 2)}
    finished = {trial.key for trial in trials}
    assert all(trial.key_continued in finished for trial in promoted)

    for event in asks(tmp_path):
        [trial] = [
            one for one in trials if (list(one.id), one.budget) == (event["id"], event["budget"])
        ]
        assert event["info"].get("continues") == trial.continues
    assert differences(tmp_path) == []
    assert [trial.continues for trial, _ in hpo.read_study(tmp_path).evaluations] == [
        trial.continues for trial in trials
    ]


def test_only_what_was_promoted_goes_on(tmp_path: Path) -> None:
    """Crashes leave a place on the next rung to a new configuration, which begins there."""
    with create(tmp_path, promotion="continue") as study:
        above = []
        while (trial := study.ask()) is not None and trial.id[0] < 1:
            crashed = trial.budget == 1 and trial.id[2] > 0
            study.tell(trial, hpo.TrialResult(None if crashed else 0.5, exception=CRASH[crashed]))
            above += [(trial.id, trial.continues)] if trial.budget == 2 else []
    assert above == [((0, 0, 0), 1), ((0, 1, 1), None)]
    assert differences(tmp_path) == []


CRASH = {True: "nan", False: None}


@pytest.mark.slow
def test_a_configuration_has_one_seed_that_of_its_restarted_trial_on_top(tmp_path: Path) -> None:
    with create(tmp_path, promotion="continue") as study:
        drive(study)
        for trial, _ in study.evaluations:
            assert trial.seed == trial_seed(3, trial.id, 4)
    with create(tmp_path / "restart") as study:
        drive(study)
        for trial, _ in study.evaluations:
            assert trial.seed == trial_seed(3, trial.id, trial.budget)
            assert trial.continues is None
    assert not any("continues" in event["info"] for event in asks(tmp_path / "restart"))


def test_one_seed_for_all_trials_stays_that(tmp_path: Path) -> None:
    with create(tmp_path, promotion="continue", trial_seed="study") as study:
        drive(study)
        assert len({trial.seed for trial, _ in study.evaluations}) == 1
        assert {trial.continues for trial, _ in study.evaluations} == {None, 1, 2}


def test_a_default_in_the_first_bracket_goes_on_like_any_other(tmp_path: Path) -> None:
    with create(tmp_path, promotion="continue", default_budget="min") as study:
        found = []
        while (trial := study.ask()) is not None and study.bracket_of(trial) == 0:
            if trial.id == hpo.BASELINE_ID:
                found.append((trial.key, trial.key_continued))
            study.tell(trial, hpo.TrialResult(0.1 if trial.id == hpo.BASELINE_ID else 0.5))
    assert found == [
        ("baseline/1", None),
        ("baseline/2", "baseline/1"),
        ("baseline/4", "baseline/2"),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("lines", [4, 11, 18, 25])
def test_a_study_that_was_killed_continues_as_if_it_had_not_been(
    tmp_path: Path, lines: int
) -> None:
    with create(tmp_path / "whole", promotion="continue") as study:
        drive(study)
    shutil.copytree(tmp_path / "whole", tmp_path / "killed")
    journal = tmp_path / "killed" / JOURNAL_NAME
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:lines]))
    with hpo.Study.open(tmp_path / "killed") as study:
        drive(study)
    assert decisions(tmp_path / "killed") == decisions(tmp_path / "whole")


def test_a_rung_on_top_is_refused(tmp_path: Path) -> None:
    with (
        create(tmp_path, promotion="continue") as study,
        pytest.raises(hpo.StudyError, match="max_budget stays 4 with promotion continue"),
    ):
        study.extend(hpo.Extension(max_budget=8))


def test_old_studies_restart() -> None:
    for path in sorted(JOURNALS.glob("format-*.jsonl")):
        header = json.loads(path.read_text().splitlines()[0])
        header["optimizer"].pop("promotion", None)
        assert hpo.OptimizerSettings(**header["optimizer"]).promotion == "restart"
    with pytest.raises(hpo.InvalidSettings, match="promotion"):
        toy_settings(promotion="again")


def test_what_a_rung_costs() -> None:
    rungs = bracket(toy_settings(), 0)
    assert own_budgets(toy_settings(), rungs) == [1, 2, 4]
    assert own_budgets(toy_settings(promotion="continue"), rungs) == [1, 1, 2]
    assert own_budgets(toy_settings(promotion="continue"), rungs[1:]) == [2, 2]


def test_what_trials_spend_is_what_their_rungs_cost(tmp_path: Path) -> None:
    with create(tmp_path, promotion="continue") as study:
        while (trial := study.ask()) is not None:
            study.tell(trial, hpo.TrialResult(0.5))  # without crashes nobody takes a place above
        spent = sum(trial.spent for trial, _ in study.evaluations if trial.id != hpo.BASELINE_ID)
        planned = 0
        for number in range(8):
            rungs = bracket(study.settings, number)
            own = own_budgets(study.settings, rungs)
            planned += sum(rung.size * budget for rung, budget in zip(rungs, own, strict=True))
    assert spent == planned
