"""Cells under the supernet of a search that has ended."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.study_commands import called, refused

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.single_search import search
from oneshot_hpo.experiments.study.under_checkpoint import Inputs, score_cells, study_inputs
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.checkpoint import CHECKPOINT, CheckpointMismatch, DamagedCheckpoint
from oneshot_hpo.searchers.records import EpochRecord

SMALL = {"channels": 2, "stacks": 2, "cells_per_stack": 1, "batch_size": 128, "cutout_length": 4}

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, table_file: str) -> tuple[Path, EpochRecord]:
    """The folder of a finished search, and its last epoch. Not to be changed."""
    folder = tmp_path_factory.mktemp("kept") / "search"
    records: list[EpochRecord] = []
    search(
        "random_ws",
        space=1,
        dataset="digits",
        table=table_file,
        epochs=1,
        settings=SMALL,
        folder=folder,
        on_epoch=records.append,
    )
    return folder, records[-1]


def test_the_found_cell_has_the_error_that_the_search_ended_with(
    kept: tuple[Path, EpochRecord], table_file: str
) -> None:
    folder, last = kept
    scored = score_cells(folder, Inputs("digits", table_file, "mean"), count=30, seed=1)
    [found] = [cell for cell in scored.cells if cell.is_found]
    assert last.architecture is not None
    assert found.key == get_space(1).key(last.architecture)
    assert found.one_shot == last.valid_error
    assert len({cell.key for cell in scored.cells}) == len(scored.cells) == 31
    errors = [cell.one_shot for cell in scored.cells]
    assert errors == sorted(errors)
    assert (scored.searcher, scored.epochs) == ("random_ws", 1)

    again = score_cells(folder / CHECKPOINT, Inputs("digits", table_file, "mean"), count=30, seed=1)
    assert again.cells == scored.cells


def test_statistics_of_its_own_change_a_cells_error_but_not_the_cells(
    kept: tuple[Path, EpochRecord],
) -> None:
    inputs = Inputs("digits", None, "mean")
    plain, own = (
        score_cells(kept[0], inputs, count=5, seed=0, recalibration_images=images)
        for images in (0, 256)
    )
    assert {cell.key for cell in plain.cells} == {cell.key for cell in own.cells}
    assert [cell.one_shot for cell in plain.cells] != [cell.one_shot for cell in own.cells]
    assert {cell.test for cell in plain.cells} == {None}


def test_the_cell_of_a_file_is_evaluated(kept: tuple[Path, EpochRecord], tmp_path: Path) -> None:
    space = get_space(1)
    other = next(iter(space.architectures()))
    file = tmp_path / "architecture.json"
    file.write_text(json.dumps(space.to_document(other)))
    scored = score_cells(kept[0], Inputs("digits", None, "mean"), count=0, seed=0, files=[file])
    assert {cell.key for cell in scored.cells if not cell.is_found} == {space.key(other)}
    file.write_text("{}")
    with pytest.raises(UserError, match=r"architecture.json holds no architecture of "):
        score_cells(kept[0], Inputs("digits", None, "mean"), count=0, seed=0, files=[file])


def test_what_is_no_checkpoint_of_these_images_is_one_line(
    kept: tuple[Path, EpochRecord], tmp_path: Path
) -> None:
    with pytest.raises(CheckpointMismatch, match=r"holds no checkpoint.pt"):
        score_cells(tmp_path, Inputs("digits", None, "mean"), count=1, seed=0)
    (tmp_path / CHECKPOINT).write_bytes((kept[0] / CHECKPOINT).read_bytes()[:-1])
    with pytest.raises(DamagedCheckpoint):
        score_cells(tmp_path, Inputs("digits", None, "mean"), count=1, seed=0)
    other = tmp_path / "other.npz"
    images = np.random.default_rng(0).random((60, 6, 6))
    np.savez(other, images=images, labels=np.arange(60) % 2)
    with pytest.raises(CheckpointMismatch, match="was searched with data set = 'digits'"):
        score_cells(kept[0], Inputs(str(other), None, "mean"), count=1, seed=0)
    assert "holds no checkpoint.pt" in refused("search", "--from-checkpoint", tmp_path / "none")


def test_the_command_prints_ranks_and_writes_all_cells(
    kept: tuple[Path, EpochRecord], table_file: str, tmp_path: Path
) -> None:
    options = ["--table", table_file, "--cells", 12, "--out", tmp_path / "cells.csv"]
    ended = called("search", "--from-checkpoint", kept[0], *options)
    assert ended.returncode == 0, ended.stderr
    assert "13 cells of " in ended.stdout
    assert "(found)" in ended.stdout
    assert "rank correlation with the table (Spearman): " in ended.stdout
    lines = (tmp_path / "cells.csv").read_text().splitlines()
    assert lines[0] == "cell,architecture,found,one_shot_error,test_error"
    assert len(lines) == 14


def test_a_folder_outside_a_study_has_no_inputs_of_a_study(kept: tuple[Path, EpochRecord]) -> None:
    assert study_inputs(kept[0]) is None
    assert study_inputs(Path("/")) is None
