import pickle

import numpy as np
import pytest
from support.pickled_images_writer import write_cifar100

from oneshot_hpo.searchers.data.cifar100 import FILES
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.images import DatasetError


@pytest.fixture
def folder(tmp_path):
    return write_cifar100(tmp_path / "cifar-100-python")


def test_images_and_fine_labels_are_those_of_the_files(folder):
    data = load_dataset(folder)
    assert (data.name, data.classes, data.image_size, data.channels) == ("cifar100", 100, 32, 3)
    parts = ("supernet_train", "supernet_valid", "scratch_train", "valid", "test")
    assert [len(getattr(data, part)) for part in parts] == [10, 10, 16, 4, 6]
    test = pickle.loads((folder / "test").read_bytes())
    assert data.test.labels.tolist() == test["fine_labels"]
    wanted = test["data"].reshape(6, 3, 32, 32) / np.float32(255)
    np.testing.assert_array_equal(data.test.images, wanted.astype(np.float32))
    train = pickle.loads((folder / "train").read_bytes())
    labels = np.concatenate([data.supernet_train.labels, data.supernet_valid.labels])
    assert sorted(labels.tolist()) == sorted(train["fine_labels"])
    assert data.shift == 4


def test_the_data_folder_is_where_the_name_looks(folder, monkeypatch):
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(folder.parent))
    named, direct, around = map(load_dataset, ("cifar100", folder, folder.parent))
    assert named.checksum == direct.checksum == around.checksum


def test_missing_data_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(tmp_path / "none"))
    with pytest.raises(
        DatasetError,
        match=r"CIFAR-100 is not in .*data fetch cifar100.*data import PATH.*cifar-100-python",
    ):
        load_dataset("cifar100")


@pytest.mark.parametrize("name", FILES)
def test_every_file_is_needed_and_whole(folder, name):
    content = (folder / name).read_bytes()
    (folder / name).write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError, match=rf"{name}: damaged, or not a file of CIFAR-100's"):
        load_dataset(folder)


def test_a_label_that_has_no_name_is_refused(folder):
    content = pickle.loads((folder / "test").read_bytes())
    content["fine_labels"][0] = 100
    (folder / "test").write_bytes(pickle.dumps(content, protocol=3))
    with pytest.raises(DatasetError, match="test: a label is not in 0 to 99"):
        load_dataset(folder)


def test_no_code_in_a_file_is_run(folder, tmp_path):
    trapped = tmp_path / "trapped"
    (folder / "test").write_bytes(b"cos\nmkdir\n(V" + str(trapped).encode() + b"\ntR.")
    with pytest.raises(DatasetError, match=r"os\.mkdir"):
        load_dataset(folder)
    assert not trapped.exists()
