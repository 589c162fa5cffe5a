"""A study that runs, with crashes, promotions and epochs, for all tests of exports."""

from pathlib import Path

import pytest
from support.exported_study import run_for_a_while

from oneshot_hpo.experiments.exports.evaluations import exported_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import StudyView


@pytest.fixture(scope="session")
def told_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The study's folder. Not to be changed."""
    folder = tmp_path_factory.mktemp("told") / "study"
    run_for_a_while(folder)
    return folder


@pytest.fixture(scope="session")
def told(told_folder: Path) -> OpenedStudy:
    study = exported_study(told_folder)
    crashed = [result.crashed for _, result in study.view.evaluations]
    assert len(study.view.pending) == 3
    assert sum(crashed) > 2
    assert any(not result.timestamps for _, result in study.view.evaluations)
    assert study.view.incumbent is not None
    assert study.view.incumbent[0].id != (-1, 0, 0)
    return study


@pytest.fixture(scope="session")
def view(told: OpenedStudy) -> StudyView:
    return told.view
