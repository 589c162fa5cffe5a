"""The contract of labelled images."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import combinations
from typing import ClassVar

import numpy as np
import pytest

from oneshot_hpo.contracts.named import named
from oneshot_hpo.contracts.once import once
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.images import Images, ImageSplits

PARTS = ("supernet_train", "supernet_valid", "scratch_train", "valid", "test")
_USES = (("supernet_train", "supernet_valid"), ("scratch_train", "valid", "test"))


class DatasetContract:
    """Shapes, types, labels and splits of a data set.

    dataset: its name in a study file.
    equal_images: share of the images of a part that may also be in another part of the same use;
        more than 0 where the collection itself has images twice.
    """

    dataset: ClassVar[str]
    equal_images: ClassVar[float] = 0.0

    @classmethod
    def load(cls) -> ImageSplits:
        """The data set under test; overridden for one that has no name."""
        return load_dataset(named(cls.dataset))

    @pytest.fixture
    def opened(self) -> ImageSplits:
        """The data set, loaded once."""
        return once(type(self).load)

    def test_it_has_a_name_and_classes(self, opened: ImageSplits) -> None:
        assert opened.name and len(opened.name.splitlines()) == 1
        assert opened.classes >= 2

    def test_images_are_square_numbers_of_one_shape(self, opened: ImageSplits) -> None:
        """float32 (N, C, H, H), finite, and not all the same."""
        for part, (images, _) in _parts(opened):
            assert images.dtype == np.float32, part
            assert images.shape[1:] == (opened.channels, opened.image_size, opened.image_size), part
            assert len(images) > 0 and np.isfinite(images).all(), part
        assert opened.supernet_train.images.std() > 0

    def test_labels_number_the_classes(self, opened: ImageSplits) -> None:
        """int64 (N,), from 0; each class is among those that train."""
        for part, (images, labels) in _parts(opened):
            assert labels.dtype == np.int64 and labels.shape == images.shape[:1], part
            assert labels.min() >= 0 and labels.max() < opened.classes, part
        for part in ("supernet_train", "scratch_train"):
            assert len(np.unique(getattr(opened, part).labels)) == opened.classes, part

    def test_no_image_is_in_two_parts_of_one_use(self, opened: ImageSplits) -> None:
        for use in _USES:
            for one, other in combinations(use, 2):
                images = getattr(opened, one).images
                known = set(_each(images))
                equal = sum(image in known for image in _each(getattr(opened, other).images))
                allowed = self.equal_images * len(getattr(opened, other))
                assert equal <= allowed, f"{equal} images are in {one} and in {other}"

    def test_it_is_split_in_the_same_way_each_time(self, opened: ImageSplits) -> None:
        again = self.load()
        assert again.checksum == opened.checksum
        assert again.scratch_checksum == opened.scratch_checksum


def _parts(data: ImageSplits) -> Iterable[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    for part in PARTS:
        images: Images = getattr(data, part)
        yield part, (images.images, images.labels)


def _each(images: np.ndarray) -> Iterable[bytes]:
    return (image.tobytes() for image in images)
