"""A study whose searches are made up, and the atlas of its space."""

from pathlib import Path

import numpy as np
import pytest

from oneshot_hpo.experiments.atlas.making import write_atlas
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import Confirmation, Rerun, Study, Trial, TrialResult
from oneshot_hpo.search_spaces import get_space


def new_study(folder: Path, study_file: Path) -> Study:
    """The tiny study on digits, without any trial yet."""
    overrides = ("table=digits", "max_budget=4", "iterations=4")
    return create_study(folder, freeze(complete(load_study(str(study_file), overrides), "made")))


def search(run: Trial | Rerun) -> TrialResult:
    """Ends in one of twelve cells, by its seed."""
    space, draws = get_space(1), np.random.default_rng(run.seed % 12)
    report = table_outcome("digits", space, space.sample(draws)).to_info()
    return TrialResult(report["valid_error"], report, None, {"search_seconds": 1.0})


def crash() -> TrialResult:
    """A search that ended in no cell."""
    return TrialResult(None, {"state": "CRASHED"}, "SearchDiverged: loss is nan")


@pytest.fixture(scope="session")
def study(tmp_path_factory: pytest.TempPathFactory, tiny_study: Path) -> Path:
    """Finished, with two crashes and a confirmation. Not to be changed."""
    folder = tmp_path_factory.mktemp("studies") / "made <b>"
    with new_study(folder, tiny_study) as made:
        while (trial := made.ask()) is not None:
            made.tell(trial, crash() if trial.seq in (2, 5) else search(trial))
        assert made.incumbent is not None
        with Confirmation.create(
            folder / "confirm", header=made.header, seed=1, budget=4
        ) as confirmation:
            confirmation.plan("default", dict(made.space.get_default_configuration()), 3)
            confirmation.plan("tuned", made.incumbent[0].config, 3, tuned=True)
            while (run := confirmation.ask()) is not None:
                confirmation.tell(run, search(run))
    return folder


@pytest.fixture
def crashed_study(tmp_path: Path, tiny_study: Path) -> Path:
    """A study whose only evaluation so far has crashed."""
    folder = tmp_path / "crashed"
    with new_study(folder, tiny_study) as made:
        trial = made.ask()
        assert trial is not None
        made.tell(trial, crash())
    return folder


@pytest.fixture(scope="session")
def named() -> str:
    """How the hash of a cell of space 1 begins, a good one with better neighbours."""
    return "f5d9849d"


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory, study: Path, named: str) -> Path:
    """The page of the study's space, with a named cell."""
    out = tmp_path_factory.mktemp("atlas") / "atlas.html"
    return write_atlas(space=None, table=None, folders=[study], cells=[named], out=out)
