"""Every kind of data set holds the contract that plug-ins are given."""

import os
from pathlib import Path

import numpy as np
import pytest

from oneshot_hpo.contracts import DatasetContract
from oneshot_hpo.searchers.data.datasets import load_dataset, split_arrays
from oneshot_hpo.searchers.data.images import ImageSplits


class TestDigits(DatasetContract):
    dataset = "digits"


class TestArrays(DatasetContract):
    """A user's own images, in colour, with labels that are words."""

    @classmethod
    def load(cls) -> ImageSplits:
        rng = np.random.default_rng(0)
        images = rng.integers(0, 256, (60, 6, 6, 3), np.uint8)
        return split_arrays("mine", images, np.array(["cat", "dog"] * 30))


@pytest.mark.slow
class TestCifar10(DatasetContract):
    """The 60,000 images behind ONESHOT_HPO_TEST_DATA; the collection has some of them twice."""

    equal_images = 0.001

    @classmethod
    def load(cls) -> ImageSplits:
        folder = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", "")) / "cifar10"
        if not folder.is_dir():
            pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with cifar10/cifar-10-batches-py")
        return load_dataset(folder)
