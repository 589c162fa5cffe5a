"""`data import` and `data info` of NAS-Bench-201 and TransNAS-Bench-101."""

import bz2
import csv
import gzip
import pickle
import shutil
from pathlib import Path

import pytest
from support.data_imports import imported, names, refused, refused_by_a_full_disk
from support.nasbench201_writer import archive, cells, write_csv, write_nats
from support.study_commands import called

from oneshot_hpo.experiments.data.importing import open_data_folder
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.transnas.csv_file import TASKS

NATS = "NATS-tss-v1_0-3ffb9-simple"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A CSV file of all cells, under a name that says nothing."""
    path = write_csv(tmp_path_factory.mktemp("csv") / "a.csv.gz")
    return path.rename(path.with_name("numbers"))


def macro_csv(path: Path) -> Path:
    space = get_space("transnas-macro")
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["arch", *(f"{task}__val_accuracy" for task in TASKS)])
        for place, number in enumerate(space.unique.first.tolist()):
            digits = ", ".join(space.skeleton(space.architecture(number)))
            values = [0.1 if task.metric == "valid_ssim" else 50 for task in TASKS.values()]
            values[list(TASKS).index("room_layout")] = -0.5 - place / 1e5
            writer.writerow([f"({digits})", *values])
    return path


@pytest.mark.slow
def test_a_file_is_told_by_its_content(whole: Path, tmp_path: Path, data: Path) -> None:
    said = imported(whole)
    assert "NAS-Bench-201: 15,625 architectures, 3 data sets, 12, 200 epochs" in said
    said = imported(macro_csv(tmp_path / "values"))
    assert "TransNAS-Bench-101 (macro): 3,256 architectures, 7 data sets" in said
    assert names(data) == ["nasbench201.npz", "transnas-macro.npz"]
    assert len(load_table("nasbench201:imagenet16")) == 15_625
    assert load_table("transnas-macro").dataset == "class_scene"
    shown = called("data", "info").stdout
    assert max(map(len, shown.splitlines()[1:])) <= 100
    assert (
        "NAS-Bench-201 (nasbench201.npz)" in shown
        and "cifar10, cifar100, imagenet16" in shown
        and "from numbers, imported" in shown
    )
    assert "TransNAS-Bench-101, micro (transnas-micro.npz): not there" in shown


@pytest.mark.slow
def test_the_authors_files_are_told_by_their_content(tmp_path: Path, data: Path) -> None:
    content = archive(4)
    folder = write_nats(tmp_path / "anything", content)
    assert "NAS-Bench-201: a part, 4 of 15,625 architectures" in imported(folder)
    one = tmp_path / "one"
    one.write_bytes(bz2.compress(pickle.dumps(content)))
    assert "a part, 4 of 15,625 architectures" in imported(one)
    assert names(data) == ["nasbench201.npz"]


@pytest.mark.slow
def test_what_holds_more_is_kept(tmp_path: Path, data: Path) -> None:
    imported(write_nats(tmp_path / "more" / NATS, archive(4)))
    before = (data / "nasbench201.npz").read_bytes()
    less = write_nats(tmp_path / "less" / NATS, archive(2))
    line = refused(less)
    assert "holds more (" in line and "of 4 architectures)" in line and "--replace" in line
    assert (data / "nasbench201.npz").read_bytes() == before
    imported(less, "--replace")
    assert len(load_table("nasbench201")) == 2


@pytest.mark.slow
def test_what_is_damaged_or_foreign_changes_nothing(
    whole: Path, tmp_path: Path, data: Path
) -> None:
    imported(write_nats(tmp_path / NATS, archive(2)))
    before = (data / "nasbench201.npz").read_bytes()

    path = tmp_path / "nasbench201.csv.gz"
    path.write_bytes(whole.read_bytes()[:-2_000])
    assert "damaged or cut short" in refused(path)
    path.write_bytes(whole.read_bytes()[:30])
    assert "nasbench201.csv.gz is damaged, or has not the columns" in refused(path)
    path.write_bytes(gzip.compress(b"a,b\n1,2\n"))
    assert "has not the columns of NAS-Bench-201" in refused(path)

    few = write_csv(tmp_path / "few.csv", cells(3))
    assert "cut short: it has 3 of 15,625 cells" in refused(few)
    folder = tmp_path / "NATS-tss-other"
    folder.mkdir()
    assert "meta.pickle.pbz2 is missing" in refused(folder)
    pth = tmp_path / "NAS-Bench-201-v1_1-096897.pth"
    pth.write_bytes(b"no pickle")
    assert "damaged, or not a file of NAS-Bench-201" in refused(pth)

    assert names(data) == ["nasbench201.npz"]
    assert (data / "nasbench201.npz").read_bytes() == before


@pytest.mark.slow
def test_a_damaged_table_is_told_and_replaced(tmp_path: Path, data: Path) -> None:
    folder = write_nats(tmp_path / NATS, archive(2))
    imported(folder)
    path = data / "nasbench201.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert "nasbench201.npz): damaged; import it again" in called("data", "info").stdout
    path.write_bytes(b"")
    imported(folder)
    assert len(load_table("nasbench201")) == 2


def test_what_a_killed_import_left_is_removed(data: Path) -> None:
    data.mkdir()
    left = [".nasbench201.npz.0123456789abcdef.tmp", ".transnas-micro.npz.0123456789abcdef.tmp"]
    for name in left:
        (data / name).write_bytes(b"half")
    with open_data_folder() as folder:
        assert names(folder) == []


@pytest.mark.slow
def test_a_full_disk_stops_in_one_line_and_leaves_nothing(whole: Path, data: Path) -> None:
    refused_by_a_full_disk(whole, 9_000)
    assert names(data) == []


def test_a_folder_of_images_is_still_one(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "batches.meta is missing" in refused(empty)
    shutil.rmtree(empty)
    assert "No such file" in refused(empty)
