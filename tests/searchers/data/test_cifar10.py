import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from support.cifar10_writer import CLASSES, write_batch, write_cifar10

from oneshot_hpo.searchers.data.cifar10 import FILES, read_cifar10, split_cifar10
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.images import DatasetError


@pytest.fixture
def folder(tmp_path):
    return write_cifar10(tmp_path / "cifar-10-batches-py")


@pytest.fixture(scope="session")
def real_folder():
    """The 60,000 images behind ONESHOT_HPO_TEST_DATA; tests that need them are skipped without."""
    folder = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", "")) / "cifar10" / "cifar-10-batches-py"
    if not folder.is_dir():
        pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with cifar10/cifar-10-batches-py")
    return folder


def test_files_as_python_2_wrote_them(folder):
    for name in FILES:  # NumPy itself is the judge of the writer
        document = pickle.loads((folder / name).read_bytes(), encoding="bytes")
    data = read_cifar10(folder)
    assert data.classes == CLASSES
    assert len(data.train) == 20 and len(data.test) == 6
    np.testing.assert_array_equal(data.test.pixels, document[b"data"])
    assert data.test.labels.tolist() == document[b"labels"]
    first = pickle.loads((folder / "data_batch_1").read_bytes(), encoding="bytes")
    np.testing.assert_array_equal(data.train.pixels[:4], first[b"data"])


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("order", ["C", "F"])
def test_files_as_python_3_writes_them(folder, protocol, order):
    pixels = np.random.default_rng(1).integers(0, 256, (7, 3072), np.uint8)
    content = {"data": np.array(pixels, order=order), "labels": [9] * 7}
    (folder / "test_batch").write_bytes(pickle.dumps(content, protocol))
    data = read_cifar10(folder)
    np.testing.assert_array_equal(data.test.pixels, pixels)
    assert data.test.labels.tolist() == [9] * 7


def test_the_order_of_the_array_in_the_file_is_heeded(folder):
    pixels = np.random.default_rng(1).integers(0, 256, (7, 3072), np.uint8)
    write_batch(folder / "test_batch", np.asfortranarray(pixels), [1] * 7)
    np.testing.assert_array_equal(read_cifar10(folder).test.pixels, pixels)


def test_images_are_planes_of_red_green_and_blue(folder):
    pixels = np.zeros((1, 3072), np.uint8)
    pixels[0, 1024 + 2 * 32 + 5] = 255  # green, row 2, column 5
    write_batch(folder / "test_batch", pixels, [3])
    test = split_cifar10(read_cifar10(folder)).test
    assert test.images.shape == (1, 3, 32, 32)
    assert test.images[0, 1, 2, 5] == 1 and test.images.sum() == 1


def test_each_use_of_the_training_images_takes_all_of_them_once(folder):
    raw = read_cifar10(folder)
    data = load_dataset(folder)
    assert data.name == "cifar10" and data.classes == 10
    assert data.image_size == 32 and data.channels == 3
    parts = ("supernet_train", "supernet_valid", "scratch_train", "valid", "test")
    assert [len(getattr(data, part)) for part in parts] == [10, 10, 16, 4, 6]
    wanted = (raw.train.pixels / np.float32(255)).astype(np.float32)
    for first, second in (("supernet_train", "supernet_valid"), ("scratch_train", "valid")):
        halves = [getattr(data, first), getattr(data, second)]
        images = np.concatenate([part.images for part in halves]).reshape(20, 3072)
        assert images.dtype == np.float32
        np.testing.assert_array_equal(np.unique(images, axis=0), np.unique(wanted, axis=0))
    np.testing.assert_array_equal(data.valid.images, data.supernet_valid.images[-4:])
    for part in (data.supernet_train, data.supernet_valid, data.scratch_train, data.valid):
        for image, label in zip(part.images, part.labels, strict=True):
            row = np.flatnonzero((wanted == image.reshape(-1)).all(1))
            assert label == raw.train.labels[row]
    assert np.shares_memory(data.scratch_train.images, data.supernet_train.images)
    assert np.shares_memory(data.valid.images, data.supernet_valid.images)


def test_the_data_folder_is_where_the_name_looks(folder, monkeypatch):
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(folder.parent))
    named, direct, around = map(load_dataset, ("cifar10", folder, folder.parent))
    np.testing.assert_array_equal(named.supernet_train.images, direct.supernet_train.images)
    np.testing.assert_array_equal(named.supernet_train.images, around.supernet_train.images)


def test_missing_data_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(tmp_path / "none"))
    with pytest.raises(DatasetError, match="data fetch cifar10"):
        load_dataset("cifar10")
    with pytest.raises(DatasetError, match=r"batches\.meta is missing"):
        load_dataset(tmp_path)


def _pickled(**content):
    return pickle.dumps({"data": np.zeros((2, 3072), np.uint8), "labels": [0, 1]} | content)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "damaged"),
        (b"<!DOCTYPE html>", "damaged"),
        (pickle.dumps([1, 2]), "dictionary"),
        (pickle.dumps({"labels": [0]}), "data"),
        (_pickled(labels=[0]), "2 images have 1 labels"),
        (_pickled(labels=[0, 10]), "label is not in 0 to 9"),
        (_pickled(labels=[0, 1.0]), "BINFLOAT"),
        (_pickled(labels=[0, None]), "whole numbers"),
        (_pickled(data=np.zeros((2, 3073), np.uint8)), "3073 values"),
        (_pickled(data=np.zeros((2, 3072), np.float32)), "uint8"),
        (_pickled(data=np.zeros(2, np.uint8)), "not a matrix"),
        (_pickled(data=[[0] * 3072] * 2), "not an array"),
        (_pickled(data=np.zeros((0, 3072), np.uint8), labels=[]), "1 test image"),
    ],
)
def test_a_file_that_is_something_else_is_named(folder, content, words):
    (folder / "test_batch").write_bytes(content)
    with pytest.raises(DatasetError, match=words) as failure:
        load_dataset(folder)
    assert str(folder) in str(failure.value)
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_needed_and_whole(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match=name):
        read_cifar10(folder)
    (folder / name).unlink()
    with pytest.raises(DatasetError, match=f"{name} is missing"):
        read_cifar10(folder)


class _Trap:
    """Unpickled, it makes a folder."""

    def __init__(self, path: Path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_no_code_in_a_file_is_run(folder, tmp_path):
    (folder / "test_batch").write_bytes(_pickled(extra=_Trap(tmp_path / "trapped")))
    with pytest.raises(DatasetError, match="mkdir"):
        read_cifar10(folder)
    assert not (tmp_path / "trapped").exists()
    numpys = b"cnumpy.lib.npyio\nloadtxt\n."  # NumPy's own functions are out of reach too
    (folder / "test_batch").write_bytes(b"\x80\x02" + numpys)
    with pytest.raises(DatasetError, match="loadtxt"):
        read_cifar10(folder)


@pytest.mark.slow
def test_random_damage_is_always_a_dataset_error(folder):
    rng = np.random.default_rng(0)
    whole = np.frombuffer((folder / "test_batch").read_bytes(), np.uint8)
    head = len(whole) - 6 * 3072  # the structure; pixels can be anything
    for _ in range(300):
        damaged = whole.copy()
        place = int(rng.integers(head)) if rng.random() < 0.5 else -int(rng.integers(1, 40))
        damaged[place] ^= rng.integers(1, 256, dtype=np.uint8)
        (folder / "test_batch").write_bytes(damaged.tobytes())
        try:
            data = read_cifar10(folder)
        except DatasetError:
            continue
        assert data.test.pixels.shape == (len(data.test), 3072)


@pytest.mark.slow
def test_the_real_images(real_folder):
    data = load_dataset(real_folder)
    parts = ("supernet_train", "supernet_valid", "scratch_train", "valid", "test")
    sizes = [len(getattr(data, part)) for part in parts]
    assert sizes == [25_000, 25_000, 40_000, 10_000, 10_000]
    assert np.bincount(data.test.labels).tolist() == [1_000] * 10
    train = np.concatenate([data.scratch_train.labels, data.valid.labels])
    assert np.bincount(train).tolist() == [5_000] * 10
    raw = read_cifar10(real_folder)
    means = raw.train.pixels.reshape(-1, 3, 1024).mean((0, 2)) / 255
    np.testing.assert_allclose(means, [0.4914, 0.4822, 0.4465], atol=5e-5)
