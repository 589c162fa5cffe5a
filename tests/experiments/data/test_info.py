import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.cifar10_writer import write_cifar10
from support.damage import cut, flip
from support.study_commands import called
from support.tfrecord_writer import random_records, write_tfrecord

from oneshot_hpo.search_spaces import get_space

TABLE, IMAGES = "nasbench101.npz", "cifar-10-batches-py"


@pytest.fixture(scope="module")
def imported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with all of space 1, 3 more cells of space 2, and a few images."""
    folder = tmp_path_factory.mktemp("imported")
    known = {cell.hash for cell in get_space(1).cells}
    more = [cell for cell in get_space(2).cells if cell.hash not in known][:3]
    path = folder / "mine.tfrecord"
    cells = [*get_space(1).cells, *more]
    write_tfrecord(path, random_records(cells, (36, 108), np.random.default_rng(0)))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ONESHOT_HPO_DATA", str(folder / "data"))
        for source in (path, write_cifar10(folder / "images")):
            assert called("data", "import", source).returncode == 0
    return folder / "data"


@pytest.fixture
def filled(imported: Path, data: Path) -> Path:
    """A copy of it as the data folder."""
    shutil.copytree(imported, data)
    return data


def info() -> str:
    ended = called("data", "info")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    return ended.stdout


def test_what_is_not_there_says_how_to_get_it(data: Path) -> None:
    shown = info()
    assert str(data) in shown
    assert shown.count("not there") == 7
    assert "data fetch nasbench_only108" in shown and "data fetch cifar10`" in shown
    assert "CIFAR-100 (cifar-100-python): not there" in shown and "data fetch cifar100`" in shown
    assert "ImageNet16-120 (ImageNet16): not there" in shown
    assert "data import PATH` takes ImageNet16.tar.gz or a folder ImageNet16" in shown
    assert not data.exists()


@pytest.mark.slow
def test_what_is_there_is_described(filled: Path) -> None:
    shown = info()
    in_both = {c.hash for c in get_space(1).cells} & {c.hash for c in get_space(2).cells}
    for words in (
        "2,688 cells, 36, 108 epochs, 3 repeats, with halfway values",
        "2,688 of 423,624 cells of the whole benchmark",
        "all 2,685 cells of search space 1",
        f"{len(in_both) + 3:,} of 7,773 cells of search space 2",
        "from mine.tfrecord, not an official release, imported 20",
        "20 training and 6 test images, 10 classes",
        "from images, not the official files, imported 20",
    ):
        assert words in shown, words
    assert max(map(len, shown.splitlines()[1:])) <= 100


def test_images_of_another_program_are_described(data: Path) -> None:
    write_cifar10(data / IMAGES)
    assert "not imported by oneshot-hpo" in info()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("damage", [cut, flip, _empty, _folder])
def test_a_damaged_table_is_named(filled: Path, damage: Callable[[Path], None]) -> None:
    damage(filled / TABLE)
    shown = info()
    assert f"NAS-Bench-101 ({TABLE}): damaged; import it again" in shown
    assert "20 training" in shown


@pytest.mark.parametrize("damage", [cut, _empty, _folder, Path.unlink])
def test_damaged_images_are_named(filled: Path, damage: Callable[[Path], None]) -> None:
    damage(filled / IMAGES / "data_batch_4")
    shown = info()
    assert f"CIFAR-10 ({IMAGES}): damaged; import it again" in shown
    assert "data_batch_4" in shown and "2,688 cells" in shown


@pytest.mark.parametrize("note", ["{", "[]", '{"file": "x"}'])
def test_a_damaged_note_of_the_origin_is_no_damage(filled: Path, note: str) -> None:
    (filled / IMAGES / "source.json").write_text(note)
    assert "not imported by oneshot-hpo" in info()


def test_a_data_folder_that_cannot_be_read_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONESHOT_HPO_DATA", "/" + "long" * 100)
    ended = called("data", "info")
    assert ended.returncode == 2
    assert ended.stderr.startswith("error: /longlong") and "cannot be read" in ended.stderr
