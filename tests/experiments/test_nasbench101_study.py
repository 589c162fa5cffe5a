"""A study with NAS-Bench-101's errors on CIFAR-10's images, through the command line."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from support.cifar10_writer import write_cifar10
from support.study_commands import called, events, run
from support.tfrecord_writer import random_records, write_tfrecord

from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.data_folder import VARIABLE

pytestmark = pytest.mark.slow

SPACE = get_space(2)

STUDY = """
space: 2
searcher: darts
dataset: cifar10
table: nasbench101
config_space: cs2
min_budget: 1
max_budget: 2
iterations: 1
objective: {objective}
search: {{channels: 2, stacks: 2, cells_per_stack: 1, batch_size: 20}}
cluster: {{threads: 1}}
"""


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A data folder with 60 images, and results drawn at random for all cells of space 2."""
    folder = tmp_path_factory.mktemp("data")
    write_cifar10(folder / "cifar-10-batches-py")
    records = random_records(SPACE.cells, (108,), np.random.default_rng(0))
    write_tfrecord(folder / "all.tfrecord", records)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(folder))
        imported = called("data", "import", folder / "all.tfrecord")
        assert imported.returncode == 0, imported.stderr
        yield folder


@pytest.mark.parametrize("objective", ["mean", "draw"])
def test_a_study_reports_nasbench101_s_errors(tmp_path: Path, objective: str) -> None:
    (tmp_path / "study.yaml").write_text(STUDY.format(objective=objective))
    ended = run("launch", tmp_path / "study.yaml", "--dir", tmp_path / "study")
    assert ended.returncode == 0, ended.stderr
    assert "better than" in ended.stdout

    table = load_table("nasbench101")
    told = [event for event in events(tmp_path / "study") if event["event"] == "tell"]
    assert len(told) == 4
    for event in told:
        info = event["info"]
        entry = table.query(SPACE.cell(SPACE.from_document(info["architecture"])))
        assert info["valid_error"] == entry.valid_error and info["test_error"] == entry.test_error
        assert info["test_regret"] == entry.test_error - table.best(SPACE).test_error >= 0
        if objective == "mean":
            assert event["loss"] == entry.valid_error
        else:
            assert event["loss"] == entry.valid_errors[info["drawn_repeat"]]


def test_a_table_without_all_cells_of_the_space_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_text(STUDY.format(objective="mean"))
    arguments = ("launch", tmp_path / "study.yaml", "--set", "space=3")
    ended = called(*arguments, "--dir", tmp_path / "study")
    assert ended.returncode == 2 and "Traceback" not in ended.stderr
    assert "space 3: the table of NAS-Bench-101 lacks" in ended.stderr
    assert not (tmp_path / "study").exists()
