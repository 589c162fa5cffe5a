"""A study whose default is one of the first bracket's configurations, in what shows studies."""

import csv
from pathlib import Path
from typing import Any

import pytest
from support.made_study import run_study
from support.toy_study import toy_settings

from oneshot_hpo import hpo
from oneshot_hpo.experiments.exports import csv_files, optuna
from oneshot_hpo.experiments.numbers.timeline import timeline
from oneshot_hpo.experiments.report import trials
from oneshot_hpo.experiments.study.failures import first_bracket_crashed
from oneshot_hpo.experiments.study.frames import trials_frame
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.summary import verdict


def made(folder: Path, **options: Any) -> OpenedStudy:
    settings = ("default_budget=min", "trial_seed=study", "iterations=2", "config_space=cs1")
    return OpenedStudy(run_study(folder, *settings, **options))


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> OpenedStudy:
    return made(tmp_path_factory.mktemp("study") / "made")


def test_tables_give_the_default_its_bracket_and_rung(study: OpenedStudy, tmp_path: Path) -> None:
    frame = trials_frame(study)
    assert set(frame["bracket"]) == {0, 1}
    # With one seed all of a budget tie here, so that the default, the first, is promoted.
    default = frame[frame["id"] == "baseline"]
    assert list(zip(default["bracket"], default["rung"], default["budget"], strict=True)) == [
        (0, 0, 3),
        (0, 1, 6),
        (0, 2, 12),
    ]
    assert frame["seed"].nunique() == 1

    csv_files.write(study, tmp_path)
    with (tmp_path / "trials.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["id"] == "baseline"]
    assert [row["bracket"] for row in rows] == ["0", "0", "0"]


def test_exports_and_the_report_place_the_default_in_its_bracket(tmp_path: Path) -> None:
    study = made(tmp_path / "made", evaluations=1)
    (trial,) = (one for one in optuna.trials_of(study) if one.user_attrs["default"])
    # Its rung has not finished: it may still be promoted.
    assert (trial.user_attrs["bracket"], trial.state.name) == (0, "RUNNING")

    column = [one.heading for one in trials.table(study).columns].index("bracket")
    assert trials.table(study).rows[0].cells[column].text == "1"
    assert {bar.bracket for bar in timeline(study).bars} == {0}


def test_the_verdict_says_how_long_both_were_searched(tmp_path: Path) -> None:
    settings = toy_settings(
        min_budget=1, max_budget=2, iterations=1, default_budget="min", bracket_sizes="hpbandster"
    )
    space = hpo.configuration_space("cs1")
    with hpo.Study.create(tmp_path, header={}, space=space, settings=settings) as study:
        while (trial := study.ask()) is not None:
            loss = 0.02 if trial.id != hpo.BASELINE_ID else 0.05
            info = {"valid_error": loss, "test_error": loss + 0.01}
            study.tell(trial, hpo.TrialResult(loss, info))
        assert "Epochs of the search: 1 for the default, 2 for the tuned" in verdict(study)


def test_a_first_bracket_whose_default_crashed_too_ends_the_study(tmp_path: Path) -> None:
    study = made(tmp_path / "made", all_crash=True)
    found = first_bracket_crashed(study.view)
    assert found is not None
    assert found.startswith("SearchDiverged")
