"""What a search may see when its architecture is measured on `valid`."""

import dataclasses

import numpy as np
import pytest

from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.held_out import held_out
from oneshot_hpo.searchers.data.images import DatasetError, Images, ImageSplits


def like_cifar10() -> ImageSplits:
    """Twenty images; as in `split_images`, valid is the end of supernet_valid."""
    whole = Images(
        np.random.default_rng(0).random((20, 1, 4, 4), np.float32), np.arange(20, dtype=np.int64)
    )
    return ImageSplits(
        name="made",
        classes=20,
        supernet_train=whole.between(0, 10),
        supernet_valid=whole.between(10, 20),
        scratch_train=whole.between(0, 16),
        valid=whole.between(16, 20),
        test=whole.between(0, 2),
    )


def test_images_of_valid_are_taken_out_of_what_trains() -> None:
    data = held_out(like_cifar10())
    assert data.supernet_train.labels.tolist() == list(range(10))
    assert data.supernet_valid.labels.tolist() == list(range(10, 16))
    assert data.scratch_train.labels.tolist() == list(range(16))
    assert data.valid.labels.tolist() == list(range(16, 20))


def test_a_copy_of_an_image_is_the_image() -> None:
    data = like_cifar10()
    images = data.supernet_train.images.copy()
    images[3] = data.valid.images[0]
    copied = dataclasses.replace(data, supernet_train=Images(images, data.supernet_train.labels))
    assert held_out(copied).supernet_train.labels.tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9]


def test_digits_are_apart_already() -> None:
    data = load_dataset("digits")
    assert held_out(data).checksum == data.checksum
    assert held_out(data).scratch_checksum == data.scratch_checksum


def test_a_part_without_an_image_left_is_refused() -> None:
    data = like_cifar10()
    whole = dataclasses.replace(data, valid=data.supernet_valid)
    with pytest.raises(DatasetError, match="made: every image of supernet_valid is in valid too"):
        held_out(whole)
