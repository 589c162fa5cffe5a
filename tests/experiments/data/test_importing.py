import gzip
import hashlib
import json
import os
import shutil
import signal
import tarfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.cifar10_writer import write_cifar10
from support.completed_writer import completed_arrays, write_completed
from support.damage import cut, flip
from support.data_imports import names, refused, refused_by_a_full_disk, stop_halfway
from support.study_commands import run
from support.tfrecord_writer import random_records, write_tfrecord

from oneshot_hpo.experiments.data.image_sets import CIFAR_10
from oneshot_hpo.experiments.data.images import SOURCE, import_images, origin_of
from oneshot_hpo.experiments.data.importing import open_data_folder
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.searchers.data.cifar10 import read_cifar10
from oneshot_hpo.searchers.data.datasets import load_dataset

NAME = "cifar-10-batches-py"


@pytest.fixture
def cifar10(tmp_path: Path) -> Path:
    return write_cifar10(tmp_path / "mine" / NAME)


@pytest.fixture
def archive(cifar10: Path, tmp_path: Path) -> Path:
    return packed(cifar10, tmp_path / "cifar-10-python.tar.gz")


def packed(folder: Path, path: Path) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        archive.add(folder, NAME)
    return path


def tfrecord(path: Path, cells: int, epochs: tuple[int, ...] = (108,)) -> Path:
    records = random_records(get_space(1).cells[:cells], epochs, np.random.default_rng(0))
    write_tfrecord(path, records)
    return path


def imported(*arguments: object) -> str:
    ended = run("data", "import", *arguments)
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.slow
def test_a_table_is_imported_by_its_name(tmp_path: Path, data: Path) -> None:
    said = imported(tfrecord(tmp_path / "nasbench_full.tfrecord", 7, (4, 108)))
    assert "NAS-Bench-101: 7 cells, 4, 108 epochs, 3 repeats; not an official" in said
    assert names(data) == ["nasbench101.npz"]
    table = load_table("nasbench101")
    assert len(table) == 7 and table.budgets == (4, 108)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["folder", "around", "archive", "relative"])
def test_cifar10_is_imported_from_what_people_have(
    cifar10: Path, archive: Path, data: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(archive.parent)
    source = {"folder": cifar10, "around": cifar10.parent, "archive": archive}.get(kind, "mine")
    said = imported(source)
    assert "CIFAR-10: 20 training and 6 test images; not the official files" in said
    assert names(data) == [NAME]
    origin = json.loads((data / NAME / SOURCE).read_text())
    assert origin["file"] == Path(source).name and not origin["official"]
    (data / NAME / SOURCE).unlink()
    assert contents(data / NAME) == contents(cifar10)
    assert len(load_dataset("cifar10").scratch_train) == 16


@pytest.mark.slow
def test_a_data_folder_named_from_here(
    cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ONESHOT_HPO_DATA", "some/where")
    imported(cifar10)
    assert names(tmp_path / "some" / "where") == [NAME]


@pytest.mark.slow
def test_what_holds_more_is_kept(tmp_path: Path, data: Path) -> None:
    imported(tfrecord(tmp_path / "more.tfrecord", 7, (4, 108)))
    before = contents(data)
    less = tfrecord(tmp_path / "less.tfrecord", 13)
    line = refused(less)
    assert "holds more (7 cells, 4, 108 epochs" in line and "13 cells" in line
    assert contents(data) == before
    imported(less, "--replace")
    assert len(load_table("nasbench101")) == 13
    imported(tfrecord(tmp_path / "as_much.tfrecord", 13))


@pytest.mark.slow
def test_a_completed_table_is_taken_but_not_in_place_of_as_many_real_numbers(
    tmp_path: Path, data: Path
) -> None:
    cells = get_space(1).cells[:8]
    completed = write_completed(tmp_path / "completed.npz", completed_arrays(cells))
    said = imported(completed)
    assert "8 cells, 4, 12, 36, 108 epochs, 3 repeats, 88% of the validation errors impu" in said
    imported(tfrecord(tmp_path / "real.tfrecord", 8))
    before = contents(data)
    assert "holds more (8 cells, 108 epochs" in refused(completed)
    assert contents(data) == before


@pytest.mark.slow
def test_whole_images_are_kept(cifar10: Path, tmp_path: Path, data: Path) -> None:
    imported(cifar10)
    before = contents(data / NAME)
    other = write_cifar10(tmp_path / "other", seed=1)
    assert "--replace" in refused(other)
    assert contents(data / NAME) == before and names(data) == [NAME]
    imported(other, "--replace")
    assert contents(data / NAME)["data_batch_1"] == (other / "data_batch_1").read_bytes()
    assert names(data) == [NAME]


@pytest.mark.slow
def test_what_is_damaged_is_replaced(cifar10: Path, tmp_path: Path, data: Path) -> None:
    imported(cifar10)
    (data / NAME / "data_batch_2").write_bytes(b"")
    (data / "nasbench101.npz").write_bytes(b"")
    imported(cifar10)
    imported(tfrecord(tmp_path / "nasbench.tfrecord", 3))
    assert len(read_cifar10(data / NAME).train) == 20
    assert len(load_table("nasbench101")) == 3


@pytest.mark.slow
def test_a_linked_folder_is_replaced_and_its_files_are_kept(cifar10: Path, data: Path) -> None:
    data.mkdir()
    (data / NAME).symlink_to(cifar10)
    imported(write_cifar10(data.parent / "other", seed=1), "--replace")
    assert not (data / NAME).is_symlink()
    assert len(read_cifar10(cifar10).train) == 20
    assert names(data) == [NAME]


def _other_archive(path: Path) -> None:
    other = path.with_name("text")
    other.write_text("text")
    packed(other, path)


def _gzip_of_text(path: Path) -> None:
    path.write_bytes(gzip.compress(b"text"))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, "damaged"),
        (flip, "damaged"),
        (_other_archive, r"batches.meta is missing"),
        (_gzip_of_text, "damaged"),
    ],
)
def test_a_damaged_archive_changes_nothing(
    archive: Path, data: Path, damage: Callable[[Path], None], words: str
) -> None:
    damage(archive)
    line = refused(archive)
    assert words in line and str(archive) in line
    assert names(data) == []


def test_a_damaged_batch_is_named_where_the_user_has_it(cifar10: Path, data: Path) -> None:
    cut(cifar10 / "data_batch_3")
    assert str(cifar10 / "data_batch_3") in refused(cifar10)
    (cifar10 / "data_batch_3").unlink()
    assert f"{cifar10}: not CIFAR-10, data_batch_3 is missing" in refused(cifar10)
    assert names(data) == []


@pytest.mark.slow
def test_a_damaged_table_changes_nothing(tmp_path: Path, data: Path) -> None:
    imported(tfrecord(tmp_path / "nasbench.tfrecord", 3))
    before = contents(data)
    path = tfrecord(tmp_path / "damaged.tfrecord", 9)
    flip(path)
    assert "damaged" in refused(path)
    assert contents(data) == before


def test_paths_that_cannot_be_used_are_one_line(tmp_path: Path, data: Path) -> None:
    assert "No such file" in refused(tmp_path / "none.tfrecord")
    text = tmp_path / "thesis.txt"
    text.write_text("")
    assert "neither a nasbench_*.tfrecord, nor" in refused(text)
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "batches.meta is missing" in refused(empty)
    assert names(data) == []


def test_a_data_folder_that_cannot_be_used_is_one_line(
    cifar10: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.write_text("")
    # Root may write anywhere but into /proc.
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    unwritable = Path("/proc/data") if os.geteuid() == 0 else locked
    for folder in (file, file / "below", unwritable):
        monkeypatch.setenv("ONESHOT_HPO_DATA", str(folder))
        line = refused(cifar10)
        assert str(folder) in line and "ONESHOT_HPO_DATA" in line


@pytest.mark.slow
def test_one_command_at_a_time(cifar10: Path, data: Path) -> None:
    with open_data_folder():
        assert "another" in refused(cifar10)
    imported(cifar10)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["cifar10", "table"])
def test_a_full_disk_stops_in_one_line_and_leaves_nothing(
    cifar10: Path, tmp_path: Path, data: Path, kind: str
) -> None:
    source = cifar10 if kind == "cifar10" else tfrecord(tmp_path / "nasbench.tfrecord", 400)

    refused_by_a_full_disk(source, 9_000)
    assert names(data) == []


@pytest.mark.slow
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_an_import_that_was_stopped_changed_nothing(
    cifar10: Path, data: Path, stop: signal.Signals
) -> None:
    imported(cifar10)
    before = contents(data / NAME)
    other = write_cifar10(data.parent / "other", seed=1)
    stop_halfway(other, stop)
    assert contents(data / NAME) == before
    left = [] if stop == signal.SIGINT else [f".{NAME}.new"]
    assert names(data) == [*left, NAME]
    imported(other, "--replace")
    assert names(data) == [NAME]


@pytest.mark.slow
def test_a_kill_between_the_two_renames_is_repaired(cifar10: Path, data: Path) -> None:
    imported(cifar10)
    before = contents(data / NAME)
    (data / NAME).rename(data / f".{NAME}.old")
    shutil.copytree(cifar10, data / f".{NAME}.new")
    with open_data_folder() as folder:
        assert names(folder) == [NAME]
    assert contents(data / NAME) == before


def test_what_a_killed_import_of_a_table_left_is_removed(data: Path) -> None:
    data.mkdir()
    (data / ".nasbench101.npz.4711").write_bytes(b"half")
    with open_data_folder() as folder:
        assert names(folder) == []


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_the_progress_reaches_the_size_of_the_source(
    cifar10: Path, archive: Path, tmp_path: Path, kind: str
) -> None:
    source = cifar10 if kind == "folder" else archive
    files = [archive] if kind == "archive" else list(cifar10.iterdir())
    told: list[tuple[int, int]] = []
    import_images(
        CIFAR_10,
        source,
        tmp_path / NAME,
        replace=False,
        on_progress=lambda *sizes: told.append(sizes),
    )
    assert told == sorted(told)
    assert told[-1] == (sum(path.stat().st_size for path in files),) * 2


def test_the_official_files_are_known_by_their_sums(cifar10: Path, data: Path) -> None:
    sums = {name: hashlib.md5(content).hexdigest() for name, content in contents(cifar10).items()}
    assert sums.keys() == CIFAR_10.official.keys()
    data.mkdir()
    images = replace(CIFAR_10, official=sums)
    said = import_images(images, cifar10, data / NAME, replace=False, on_progress=lambda *_: None)
    assert said == "CIFAR-10: 20 training and 6 test images"
    assert origin_of(data / NAME)["official"] is True
