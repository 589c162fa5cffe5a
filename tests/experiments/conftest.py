"""A study of six tiny searches, in a synthetic table."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from playwright.sync_api import Browser
from support.browser import chromium
from support.data_imports import imported
from support.made_once import made_once
from support.nasbench201_writer import write_csv
from support.study_commands import run

from oneshot_hpo.hpo import OptimizerSettings, Study, configuration_space
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.search_spaces.data_folder import VARIABLE
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells, hash_array
from oneshot_hpo.search_spaces.table import Runs
from oneshot_hpo.search_spaces.table_file import write_table

TINY = """
space: 1
searcher: darts
config_space: cs2
dataset: digits
table: {table}
min_budget: 1
max_budget: 2
eta: 2
iterations: 2
search: {{channels: 2, stacks: 2, cells_per_stack: 1, batch_size: 128, cutout_length: 4}}
cluster: {{threads: 1}}
"""


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Like a worker: more threads than free cores make these small searches much slower."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def trusted(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a test's commands are trusted: nowhere that a user's own are."""
    home = tmp_path_factory.mktemp("state")
    monkeypatch.setenv("XDG_STATE_HOME", str(home))
    return home / "oneshot-hpo" / "trusted"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real Chromium, closed soon: one at a time, and none while others want an event loop."""
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="session")
def table_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A synthetic table of all cells of space 1: nothing was trained, errors follow the hash."""
    folder = made_once(
        tmp_path_factory, "table", lambda folder: write_table(_table(), folder / "synthetic.npz")
    )
    return str(folder / "synthetic.npz")


def _table() -> TrainedCells:
    space = get_space(1)
    digests = hash_array(space.cells)
    hits = 200 + digests[:, :3].astype(np.uint16)[:, None, :] // 2
    return TrainedCells.of_cells(
        space.cells,
        parameters=np.ones(space.num_cells),
        budgets=(1,),
        images={"valid": 360, "test": 360},
        final=Runs(
            hits={"valid": hits, "test": hits[..., ::-1]}, seconds=np.ones(hits.shape, np.float32)
        ),
        provenance={"name": "synthetic", "made by": "a fixture of the tests"},
    )


@pytest.fixture(scope="module")
def nasbench201_data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The data folder of a module's tests, with NAS-Bench-201, its numbers drawn at random."""
    folder = tmp_path_factory.mktemp("data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder))
        imported(write_csv(folder / "nasbench201.csv.gz"))
        yield folder


@pytest.fixture(scope="session")
def tiny_study(tmp_path_factory: pytest.TempPathFactory, table_file: str) -> Path:
    """A study file of TINY_EVALUATIONS evaluations."""
    content = TINY.format(table=table_file)
    folder = made_once(
        tmp_path_factory, "tiny", lambda folder: (folder / "tiny.yaml").write_text(content)
    )
    return folder / "tiny.yaml"


@pytest.fixture(scope="session")
def finished_study(tmp_path_factory: pytest.TempPathFactory, tiny_study: Path) -> Path:
    """The folder of the tiny study, run to its end with one worker.

    Not to be changed or locked: tests in other processes read and copy it meanwhile.
    """

    def launch(folder: Path) -> None:
        ended = run("launch", tiny_study, "--dir", folder / "finished", "--workers", 1)
        assert ended.returncode == 0, ended.stderr

    return made_once(tmp_path_factory, "studies", launch) / "finished"


@pytest.fixture
def study(tmp_path: Path) -> Iterator[Study]:
    """A study of six evaluations, without any trial yet."""
    settings = OptimizerSettings(min_budget=1, max_budget=2, eta=2, iterations=2)
    space = configuration_space("cs2", image_size=8)
    with Study.create(tmp_path / "study", header={}, space=space, settings=settings) as study:
        yield study
