import numpy as np
import pytest

from oneshot_hpo.searchers.data.datasets import load_dataset, split_arrays
from oneshot_hpo.searchers.data.images import DatasetError

PIXELS = np.random.default_rng(0).random((20, 8, 8))
PARTS = ("supernet_train", "supernet_valid", "valid", "test")


def test_digits_are_split_without_loss_or_overlap():
    data = load_dataset("digits")
    parts = [getattr(data, name) for name in PARTS]
    assert [len(part) for part in parts] == [539, 539, 360, 359]
    assert sum(map(len, parts)) == 1_797
    images = np.concatenate([part.images for part in parts]).reshape(1_797, -1)
    from sklearn.datasets import load_digits

    whole = load_digits().images.reshape(1_797, -1) / 16
    np.testing.assert_array_equal(_rows_sorted(images), _rows_sorted(whole.astype(np.float32)))
    assert data.classes == 10 and data.image_size == 8 and data.channels == 1
    for part in parts:
        assert part.images.dtype == np.float32 and part.labels.dtype == np.int64
        assert len(np.unique(part.labels)) == 10


def test_the_split_is_always_the_same():
    first, second = load_dataset("digits"), load_dataset("digits")
    np.testing.assert_array_equal(first.test.images, second.test.images)


def test_scratch_train_is_both_supernet_parts():
    data = load_dataset("digits")
    assert len(data.scratch_train) == 1_078
    np.testing.assert_array_equal(data.scratch_train.labels[:539], data.supernet_train.labels)
    np.testing.assert_array_equal(data.scratch_train.labels[539:], data.supernet_valid.labels)
    assert np.shares_memory(data.scratch_train.images, data.supernet_train.images)


def test_a_users_arrays(tmp_path):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (100, 12, 12, 3), dtype=np.uint8)
    labels = np.array(["cat", "dog"])[rng.integers(2, size=100)]
    path = tmp_path / "pets.npz"
    np.savez(path, images=images, labels=labels)
    data = load_dataset(path)
    assert data.name == "pets" and data.classes == 2
    assert data.image_size == 12 and data.channels == 3
    assert [len(getattr(data, name)) for name in PARTS] == [30, 30, 20, 20]
    assert data.test.images.min() >= 0 and data.test.images.max() <= 1


@pytest.mark.parametrize(
    ("images", "labels", "words"),
    [
        (np.zeros((20, 8, 9)), np.arange(20) % 2, "shape"),
        (np.zeros((20, 8, 8)), np.arange(20) % 2, "every pixel is 0"),
        (np.random.default_rng(0).random((20, 8, 8)), np.arange(19) % 2, "as many labels"),
        (np.random.default_rng(0).random((20, 8, 8)), np.zeros(20), "2 classes"),
        (np.full((20, 8, 8), np.nan), np.arange(20) % 2, "finite"),
        (PIXELS, np.linspace(0, 1, 20), "a label is 0.0526316: labels number classes"),
        (PIXELS, np.array([0.0, 1.0] * 9 + [np.nan, 1.0]), "a label is nan: labels number"),
        (PIXELS, np.array([0.0, 1.0] * 9 + [np.inf, 1.0]), "a label is infinite"),
        (PIXELS, np.arange(20) % 2 + 0j, "whole numbers or text, not complex128"),
        (PIXELS, np.arange(20).astype("M8[s]"), "whole numbers or text, not datetime64"),
    ],
)
def test_arrays_that_cannot_be_used_say_why(images, labels, words):
    with pytest.raises(DatasetError, match=words):
        split_arrays("mine", images, labels)


def test_files_that_cannot_be_used_say_why(tmp_path):
    with pytest.raises(DatasetError, match="no data set"):
        load_dataset(tmp_path / "nowhere.npz")
    path = tmp_path / "mine.npz"
    path.write_bytes(b"PK not a zip")
    with pytest.raises(DatasetError, match=r"not an \.npz file"):
        load_dataset(path)
    np.savez(path, pictures=np.zeros(3))
    with pytest.raises(DatasetError, match="images"):
        load_dataset(path)
    np.savez(path, images=np.array([{}], dtype=object), labels=np.zeros(1))
    with pytest.raises(DatasetError, match=r"not an \.npz file"):
        load_dataset(path)


def _rows_sorted(array: np.ndarray) -> np.ndarray:
    return array[np.lexsort(array.T)]


@pytest.mark.parametrize("kind", [float, np.uint8, bool, str])
def test_labels_are_whole_numbers_or_text_of_any_type(kind):
    assert split_arrays("mine", PIXELS, (np.arange(20) % 2).astype(kind)).classes == 2
