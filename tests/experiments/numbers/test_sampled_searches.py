"""One-shot errors of searchers that train on drawn cells: which of them are the found cell's."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.made_study import run_study

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.exports import csv_files
from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.numbers.one_shot import one_shot_correlation
from oneshot_hpo.experiments.numbers.searches import trial_search
from oneshot_hpo.experiments.numbers.sources import Sources
from oneshot_hpo.experiments.numbers.trajectories import trajectories
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.searchers.records import DRAWN, FOUND

Row = dict[str, Any]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "study"
    options = ("searcher=random_ws", "config_space=cs2", "seed=2")
    return run_study(folder, *options, evaluations=12, crashing=False)


def rewritten(made: Path, folder: Path, change: Callable[[list[Row]], None]) -> OpenedStudy:
    """The study with other records of its epochs."""
    shutil.copytree(made, folder)
    for path in folder.glob("trials/*/*/metrics.jsonl"):
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        change(rows)
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return OpenedStudy(folder)


def compared_every_third(rows: list[Row]) -> None:
    for row in rows:
        is_compared = row["epoch"] % 3 == 0
        row["measured"] = FOUND if is_compared else DRAWN
        row["compare_seconds"] = 1.5 if is_compared else None
        if not is_compared:
            row["architecture"] = None


def of_an_earlier_version(rows: list[Row]) -> None:
    """A drawn cell was measured in every epoch, the last one too, and no record said so."""
    for row in rows:
        assert "measured" not in row
        if row["epoch"] < len(rows):
            row["architecture"] = None


def sources(study: OpenedStudy) -> Sources:
    return Sources([study], [None], [], "digits")


def test_epochs_of_a_drawn_cell_are_in_no_trajectory(made: Path, tmp_path: Path) -> None:
    study = rewritten(made, tmp_path / "study", compared_every_third)
    found = trajectories(sources(study), 1)
    for one in found.found:
        assert one.epochs == 12
        assert one.one_shot.x.tolist() == one.test.x.tolist() == [3, 6, 9, 12]
        assert np.isfinite(one.one_shot.median).all()
    assert all("conclude_every adds such epochs" in note for note in found.notes)
    assert len(found.notes) == len(found.found)


def test_epochs_of_a_found_cell_are_correlated(made: Path, tmp_path: Path) -> None:
    study = rewritten(made, tmp_path / "study", compared_every_third)
    (budget,) = one_shot_correlation(study).budgets
    assert budget.budget == 6
    assert budget.epochs.tolist() == [3, 6]
    assert budget.by_epoch[-1].rho == pytest.approx(budget.at_end.rho)


def test_errors_of_a_random_cell_are_not_taken_for_the_found_ones(
    made: Path, tmp_path: Path
) -> None:
    """Earlier versions journaled them."""
    study = rewritten(made, tmp_path / "study", of_an_earlier_version)
    trial, result = study.view.evaluations[0]
    assert np.isnan(trial_search(study, trial, result).one_shot_error).all()
    with pytest.raises(NotEnoughData, match="of a cell drawn at random, not of the cell found"):
        one_shot_correlation(study)
    assert all(not len(one.one_shot.x) for one in trajectories(sources(study), 1).found)


def test_an_export_says_what_was_measured_in_epochs_of_both_versions(
    made: Path, tmp_path: Path
) -> None:
    first: list[bool] = []

    def of_both(rows: list[Row]) -> None:
        (compared_every_third if first else of_an_earlier_version)(rows)
        first.append(True)

    study = rewritten(made, tmp_path / "study", of_both)
    csv_files.write(exported_study(study.folder), tmp_path)
    table = pd.read_csv(tmp_path / "epochs.csv")
    assert set(table["measured"].dropna()) == {DRAWN, FOUND}
    assert table["measured"].isna().any()
    assert set(table["compare_seconds"].dropna()) == {1.5}
    assert set(study.epochs_frame()["measured"].dropna()) == {DRAWN, FOUND}
