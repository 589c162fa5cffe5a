"""`data import` and `data info` of CIFAR-100 and ImageNet16-120."""

import pickle
import shutil
import signal
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.cifar10_writer import write_cifar10
from support.damage import cut
from support.data_imports import (
    imported,
    names,
    refused,
    refused_by_a_full_disk,
    stop_halfway,
)
from support.pickled_images_writer import write_cifar100, write_imagenet16
from support.study_commands import called

from oneshot_hpo.experiments.data.image_sets import (
    CIFAR_10,
    CIFAR_100,
    IMAGE_SETS,
    IMAGENET16_120,
    ImageSet,
    recognised,
)
from oneshot_hpo.experiments.data.images import SOURCE
from oneshot_hpo.experiments.data.importing import open_data_folder
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.pickled_images import LARGEST

WRITERS: dict[ImageSet, Callable[[Path], Path]] = {
    CIFAR_10: write_cifar10,
    CIFAR_100: write_cifar100,
    IMAGENET16_120: write_imagenet16,
}
LABELS = {CIFAR_100: ("test", "fine_labels", 100), IMAGENET16_120: ("val_data", "labels", 1_001)}
"""A file of each data set, the key of its labels, and one that is too large."""

both = pytest.mark.parametrize("images", LABELS, ids=lambda images: images.name)


@pytest.fixture
def folder(images: ImageSet, tmp_path: Path) -> Path:
    """The files as the authors have them."""
    return WRITERS[images](tmp_path / "mine" / images.folder)


def packed(folder: Path, path: Path, mode: str = "w:gz") -> Path:
    with tarfile.open(path, mode) as archive:
        archive.add(folder, folder.name)
    return path


def contents(folder: Path) -> dict[str, bytes]:
    """The files of a data set, without the note of where they came from."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.name != SOURCE}


@both
@pytest.mark.parametrize("kind", ["folder", "around", "tar.gz", "tar", "another name"])
def test_images_are_recognised_by_their_content(
    images: ImageSet, folder: Path, data: Path, tmp_path: Path, kind: str
) -> None:
    if kind == "folder":
        source = folder
    elif kind == "around":
        source = folder.parent
    elif kind == "another name":
        source = shutil.copytree(folder, tmp_path / "some images")
    else:
        source = packed(folder, tmp_path / f"a.{kind}", "w:gz" if kind == "tar.gz" else "w")

    said = imported(source)
    assert f"{images.title}: " in said and "not the official files" in said
    assert names(data) == [images.folder]
    assert contents(data / images.folder) == contents(folder)
    assert load_dataset(images.name).checksum == load_dataset(folder).checksum

    shown = called("data", "info").stdout
    assert f"{images.title} ({images.folder}): not there" not in shown
    classes = {"cifar100": 100, "imagenet16": 120}[images.name]
    assert f"test images, {classes} classes" in shown
    assert f"from {source.name}, not the official files, imported 20" in shown
    assert max(map(len, shown.splitlines()[1:])) <= 100


@pytest.mark.slow
@both
def test_intact_images_are_kept_and_damaged_ones_replaced(
    images: ImageSet, folder: Path, data: Path
) -> None:
    imported(folder)
    before = contents(data / images.folder)
    line = refused(folder)
    assert f"{images.title} is in {data} already, and was kept; --replace" in line
    imported(folder, "--replace")
    (data / images.folder / LABELS[images][0]).write_bytes(b"")
    assert f"({images.folder}): damaged; import it again" in called("data", "info").stdout
    imported(folder)
    assert contents(data / images.folder) == before and names(data) == [images.folder]


def _huge(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(LARGEST + 1)


def _foreign(path: Path) -> None:
    path.write_bytes(pickle.dumps({"weights": [1, 2]}))


def _code(path: Path) -> None:
    path.write_bytes(b"cos\nmkdir\n(V" + str(path.with_name("trapped")).encode() + b"\ntR.")


@both
@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (cut, "damaged"),
        (_foreign, "damaged, or not a file of"),
        (_huge, "too large for a file of"),
        (_code, "os.mkdir"),
        (Path.unlink, "is missing"),
    ],
)
def test_a_bad_file_changes_nothing(
    images: ImageSet, folder: Path, data: Path, damage: Callable[[Path], None], words: str
) -> None:
    name = LABELS[images][0]
    damage(folder / name)
    for source in (folder, folder.parent):
        line = refused(source)
        assert words in line and str(folder) in line and name in line
    assert names(data) == []
    assert not (folder / "trapped").exists()


@both
def test_a_label_out_of_range_is_named(images: ImageSet, folder: Path, data: Path) -> None:
    name, key, wrong = LABELS[images]
    content = pickle.loads((folder / name).read_bytes())
    content[key][0] = wrong
    (folder / name).write_bytes(pickle.dumps(content, protocol=3))
    assert f"{folder / name}: " in (line := refused(folder)) and "a label is not in" in line
    assert names(data) == []


@both
@pytest.mark.parametrize("mode", ["w:gz", "w"])
def test_a_damaged_archive_changes_nothing(
    images: ImageSet, folder: Path, tmp_path: Path, data: Path, mode: str
) -> None:
    path = packed(folder, tmp_path / "a.archive", mode)
    cut(path)
    assert f"{path}: damaged, or not {images.archive}" in refused(path)
    assert names(data) == []


@both
def test_a_link_in_an_archive_is_not_followed(
    images: ImageSet, folder: Path, tmp_path: Path, data: Path
) -> None:
    name = LABELS[images][0]
    (folder / name).unlink()
    (folder / name).symlink_to("/etc/passwd")
    path = packed(folder, tmp_path / "a.tar.gz")
    assert f"{path}: {name} is a link in it" in refused(path)
    assert names(data) == []


@both
def test_a_huge_member_of_an_archive_is_not_unpacked(
    images: ImageSet, tmp_path: Path, data: Path
) -> None:
    member = tarfile.TarInfo(f"{images.folder}/{LABELS[images][0]}")
    member.size = LARGEST + 1
    path = tmp_path / "a.tar"
    path.write_bytes(member.tobuf() + bytes(1 << 16))
    assert f"is too large for a file of {images.title}" in refused(path)
    assert names(data) == []


def test_a_folder_around_several_data_sets_is_refused(tmp_path: Path, data: Path) -> None:
    mine = tmp_path / "mine"
    for images, write in WRITERS.items():
        write(mine / images.folder)
    line = refused(mine)
    assert f"{mine} holds CIFAR-10 and CIFAR-100 and ImageNet16-120; name the folder" in line
    (mine / CIFAR_10.folder / "test_batch").unlink()
    (mine / IMAGENET16_120.folder / "val_data").unlink()
    assert recognised(mine) is CIFAR_100
    for images in IMAGE_SETS:
        assert recognised(mine / images.folder) is images
    assert names(data) == []


@pytest.mark.slow
@both
@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGKILL])
def test_an_import_that_was_stopped_changed_nothing(
    images: ImageSet, folder: Path, data: Path, stop: signal.Signals
) -> None:
    imported(folder)
    before = contents(data / images.folder)
    stop_halfway(folder, stop)
    assert contents(data / images.folder) == before
    left = [] if stop == signal.SIGINT else [f".{images.folder}.new"]
    assert names(data) == sorted([*left, images.folder])
    with open_data_folder():
        assert names(data) == [images.folder]


@pytest.mark.slow
@both
def test_a_full_disk_stops_in_one_line_and_leaves_nothing(folder: Path, data: Path) -> None:
    refused_by_a_full_disk(folder, 3_000)
    assert names(data) == []
