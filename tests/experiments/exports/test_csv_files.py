"""The tables as pandas reads them."""

import json
from pathlib import Path

import pandas as pd
import pytest
from support.exported_study import ARCHITECTURE, warm_started

from oneshot_hpo.experiments.exports.csv_files import write
from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import StudyView


@pytest.fixture(scope="module")
def folder(told: OpenedStudy, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("csv")
    write(told, folder)
    return folder


def test_each_trial_is_a_row(folder: Path, told: OpenedStudy) -> None:
    table = pd.read_csv(folder / "trials.csv", parse_dates=["submitted", "started", "finished"])
    trials = list(told.trials)
    assert list(table["id"]) == [trial.key.split("/")[0] for trial, _ in trials]
    assert list(table["budget"]) == [trial.budget for trial, _ in trials]
    assert list(table["bracket"]) == [trial.id[0] for trial, _ in trials]
    assert set(table["state"]) == {"SUCCESS", "CRASHED", "PENDING"}
    for name in told.view.space:
        assert list(table[name]) == [trial.config[name] for trial, _ in trials]
    for row, (trial, result) in zip(table.itertuples(), trials, strict=True):
        if result is None or result.crashed:
            assert pd.isna(row.test_error)
            assert result is None or row.exception == result.exception
        else:
            reported = (row.loss, row.validation_error, row.test_error, row.test_regret)
            names = ("valid_error", "test_error", "test_regret")
            assert reported == (result.loss, *(result.info[name] for name in names))
            assert row.percentile == 90
            assert row.seconds == result.timestamps["search_seconds"]
        if result is not None:
            finished = told.trial_times(trial, result)["finished"]
            assert row.finished.timestamp() == pytest.approx(finished)


def test_each_epoch_is_a_row(folder: Path, told: OpenedStudy, view: StudyView) -> None:
    table = pd.read_csv(folder / "epochs.csv")
    assert len(table) == sum(len(told.epochs(trial)) for trial, _ in told.trials)
    trial = view.evaluations[-1][0]
    mine = table[(table["id"] == trial.key.split("/")[0]) & (table["budget"] == trial.budget)]
    assert list(mine["epoch"]) == list(range(1, len(told.epochs(trial)) + 1))
    assert list(mine["valid_error"]) == [row["valid_error"] for row in told.epochs(trial)]
    assert [json.loads(text) for text in mine["architecture"]] == [ARCHITECTURE] * len(mine)
    assert list(mine["seconds"]) == [row["time"] for row in told.epochs(trial)]


def test_what_a_warm_started_study_began_with_is_in_it(tmp_path: Path) -> None:
    write(exported_study(warm_started(tmp_path / "study")), tmp_path)
    table = pd.read_csv(tmp_path / "trials.csv")
    assert list(table["id"]) == ["prior-0", "prior-1", "prior-2", "prior-1", "baseline"]
    assert list(table["bracket"]) == [-2, -2, -2, -2, -1]
    assert list(table["budget"]) == [1, 1, 2, 4, 4]
    assert list(table["state"]) == ["SUCCESS", "SUCCESS", "CRASHED", "SUCCESS", "SUCCESS"]
    assert list(table["cutout_prob"]) == [0, 0.5, 0.75, 0.5, 0]
    assert list(table["loss"].fillna(9)) == [0.5, 0.75, 9, 0.25, 0.375]
    assert list(table["attempts"].isna()) == [True] * 4 + [False]
