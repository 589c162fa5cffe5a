import pickle

import numpy as np
import pytest
from support.pickled_images_writer import write_imagenet16

from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.imagenet16 import FILES, TRAIN_BATCHES
from oneshot_hpo.searchers.data.images import DatasetError


@pytest.fixture
def folder(tmp_path):
    return write_imagenet16(tmp_path / "ImageNet16")


def test_the_first_120_classes_are_kept(folder):
    data = load_dataset(folder)
    assert (data.name, data.classes, data.image_size, data.channels) == ("imagenet16", 120, 16, 3)
    files = {name: pickle.loads((folder / name).read_bytes()) for name in FILES}
    kept = [label - 1 for label in files["val_data"]["labels"] if label <= 120]
    assert 0 < len(kept) < 8
    assert data.test.labels.tolist() == kept
    pixels = files["val_data"]["data"][np.array(files["val_data"]["labels"]) <= 120]
    wanted = (pixels / np.float32(255)).astype(np.float32).reshape(-1, 3, 16, 16)
    np.testing.assert_array_equal(data.test.images, wanted)
    train = [label - 1 for name in TRAIN_BATCHES for label in files[name]["labels"] if label <= 120]
    labels = np.concatenate([data.supernet_train.labels, data.supernet_valid.labels])
    assert sorted(labels.tolist()) == sorted(train)
    assert data.shift == 2  # as in NAS-Bench-201


def test_the_data_folder_is_where_the_name_looks(folder, monkeypatch):
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(folder.parent))
    named, around = map(load_dataset, ("imagenet16", folder.parent))
    assert named.checksum == around.checksum


def test_missing_data_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("ONESHOT_HPO_DATA", str(tmp_path / "none"))
    with pytest.raises(
        DatasetError, match=r"ImageNet16-120 is not in .*: `oneshot-hpo data import PATH`"
    ):
        load_dataset("imagenet16")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"labels": [0] * 6}, "a label is not in 1 to 1000"),
        ({"labels": [1001] * 6}, "a label is not in 1 to 1000"),
        ({"labels": [1] * 5}, "6 images have 5 labels"),
        ({"data": np.zeros((6, 3072), np.uint8)}, "3072 values an image, not 768"),
    ],
)
def test_a_file_that_is_something_else_is_named(folder, change, words):
    path = folder / "train_data_batch_7"
    content = pickle.loads(path.read_bytes()) | change
    path.write_bytes(pickle.dumps(content, protocol=3))
    with pytest.raises(DatasetError, match=rf"train_data_batch_7: .*{words}"):
        load_dataset(folder)


def test_every_file_is_needed(folder):
    (folder / "train_data_batch_10").unlink()
    with pytest.raises(DatasetError, match="not ImageNet16, train_data_batch_10 is missing"):
        load_dataset(folder)
