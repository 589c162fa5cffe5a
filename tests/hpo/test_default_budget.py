"""The default as the first configuration of the first bracket, and one seed for all trials."""

import json
import shutil
from collections import Counter
from pathlib import Path

import pytest
from support.toy_study import JOURNALS, create, decisions, drive, mixed_space, toy_settings

from oneshot_hpo import hpo
from oneshot_hpo.hpo.brackets import bracket
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME, read_journal
from oneshot_hpo.hpo.verify import differences


def test_the_default_is_the_first_configuration_of_the_first_bracket(tmp_path: Path) -> None:
    with create(tmp_path, default_budget="min") as study:
        first = study.ask()
        assert first is not None
        assert (first.id, first.budget, first.key) == ((-1, 0, 0), 1, "baseline/1")
        assert first.config == dict(mixed_space().get_default_configuration())
        assert study.bracket_of(first) == 0
        drive(study)

        sizes = [rung.size for i in range(8) for rung in bracket(study.settings, i)]
        assert len(study.evaluations) == study.total_evaluations == sum(sizes)
        for i, state in enumerate(study.brackets):
            planned = [rung.size for rung in bracket(study.settings, i)]
            assert [rung.started for rung in state.rungs] == planned
            assert [rung.finished for rung in state.rungs] == planned
        # The place in the bracket that the default took.
        assert not any(trial.id == (0, 0, 0) for trial, _ in study.evaluations)
    assert differences(tmp_path) == []


def test_the_default_is_promoted_like_any_other_and_is_the_baseline(tmp_path: Path) -> None:
    with create(tmp_path, default_budget="min") as study:
        budgets = []
        while (trial := study.ask()) is not None and study.bracket_of(trial) == 0:
            if trial.id == hpo.BASELINE_ID:
                budgets.append(trial.budget)
            loss = 0.1 if trial.id == hpo.BASELINE_ID else 0.5
            study.tell(trial, hpo.TrialResult(loss))
            assert study.baseline is not None
            assert study.baseline[0].budget == budgets[-1]
        assert budgets == [1, 2, 4]
        assert study.incumbent == study.baseline
    with hpo.Study.open(tmp_path) as again:
        assert again.baseline == study.baseline
        assert [rung.finished for rung in again.brackets[0].rungs] == [4, 2, 1]


def test_a_crash_of_the_default_can_be_run_again_in_its_bracket(tmp_path: Path) -> None:
    with create(tmp_path, default_budget="min") as study:
        first = study.ask()
        assert first is not None
        study.tell(first, hpo.TrialResult(None, exception="OSError: disk"))
        assert study.baseline is not None
        again = study.retry_crash(first)
        assert study.baseline is None
        assert study.brackets[0].rungs[0].finished == 0
        study.tell(again, hpo.TrialResult(0.1))
        drive(study)
        assert [rung.finished for rung in study.brackets[0].rungs] == [4, 2, 1]
    assert hpo.read_study(tmp_path).finished


@pytest.mark.slow
def test_a_study_that_was_killed_continues_as_if_it_had_not_been(tmp_path: Path) -> None:
    with create(tmp_path / "whole", default_budget="min", trial_seed="study") as study:
        drive(study)
    shutil.copytree(tmp_path / "whole", tmp_path / "killed")
    journal = tmp_path / "killed" / JOURNAL_NAME
    lines = journal.read_bytes().splitlines(keepends=True)
    journal.write_bytes(b"".join(lines[:4]))
    with hpo.Study.open(tmp_path / "killed") as study:
        drive(study)
    assert decisions(tmp_path / "killed") == decisions(tmp_path / "whole")


def test_one_seed_serves_all_trials_of_a_study(tmp_path: Path) -> None:
    seeds = {}
    for name, seed, of in (("a", 1, "study"), ("b", 2, "study"), ("c", 1, "trial")):
        with create(tmp_path / name, seed=seed, trial_seed=of, iterations=2) as study:
            drive(study)
            seeds[name] = Counter(trial.seed for trial, _ in study.evaluations)
            assert sum(seeds[name].values()) == study.total_evaluations
    assert len(seeds["a"]) == len(seeds["b"]) == 1
    assert seeds["a"].keys() != seeds["b"].keys()
    assert set(seeds["c"].values()) == {1}


def test_the_header_records_both_and_older_journals_lack_them(tmp_path: Path) -> None:
    with create(tmp_path / "new", default_budget="min", trial_seed="study") as study:
        assert study.settings.default_budget == "min"
    header = read_journal(tmp_path / "new" / JOURNAL_NAME)[0][0]
    assert (header["optimizer"]["default_budget"], header["optimizer"]["trial_seed"]) == (
        "min",
        "study",
    )
    assert header["format"] == 6

    (old,) = JOURNALS.glob("format-4.jsonl")
    assert "trial_seed" not in json.loads(old.read_text().splitlines()[0])["optimizer"]
    (tmp_path / "old").mkdir()
    shutil.copy(old, tmp_path / "old" / JOURNAL_NAME)
    settings = hpo.read_study(tmp_path / "old").settings
    assert (settings.default_budget, settings.trial_seed) == ("max", "trial")


def test_without_brackets_the_default_has_the_largest_budget() -> None:
    with pytest.raises(hpo.InvalidSettings, match="default_budget must be max without brackets"):
        toy_settings(iterations=0, default_budget="min")


@pytest.mark.slow
def test_the_papers_study_has_280_evaluations_with_the_default(tmp_path: Path) -> None:
    settings = toy_settings(
        min_budget=25,
        max_budget=100,
        iterations=64,
        bracket_sizes="hpbandster",
        random_fraction=1,  # a model would take seconds
        default_budget="min",
        trial_seed="study",
    )
    space = hpo.configuration_space("cs1")
    with hpo.Study.create(tmp_path, header={}, space=space, settings=settings) as study:
        drive(study, workers=16)
        budgets = Counter(trial.budget for trial, _ in study.evaluations)
    # as optimizers/bohb_one_shot/master.py: num_iterations 64, budgets 25 to 100, eta 2
    assert budgets == {25: 88, 50: 86, 100: 106}
    assert study.total_evaluations == 280
