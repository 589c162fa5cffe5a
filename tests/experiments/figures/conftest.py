"""Studies of made-up searches, a confirmation and baselines, made once."""

from pathlib import Path

import pytest
from support.made_study import confirm, run_study
from support.plans import plan, write_baselines

from oneshot_hpo.experiments.study.opened import OpenedStudy


@pytest.fixture(scope="session")
def confirmed_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished study of 43 evaluations, some crashed, confirmed with 6 seeds, one crashed."""
    folder = run_study(tmp_path_factory.mktemp("figures") / "confirmed", "seed=2", workers=3)
    confirm(folder, 6, crashing=[2])
    return folder


@pytest.fixture(scope="session")
def study(confirmed_folder: Path) -> OpenedStudy:
    return OpenedStudy(confirmed_folder)


@pytest.fixture(scope="session")
def baselines_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Random search, Hyperband and BOHB, 6 repetitions of 10 evaluations, a drawn repeat each."""
    return write_baselines(tmp_path_factory.mktemp("baselines"), plan())
