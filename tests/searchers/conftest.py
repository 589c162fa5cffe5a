import numpy as np
import pytest
import torch

from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.images import Images, ImageSplits


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """Bit-identical searches need the same number of threads; more do not help nets this small."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def digits() -> ImageSplits:
    return load_dataset("digits")


@pytest.fixture(scope="session")
def few_digits(digits) -> ImageSplits:
    """The first 48 images of each part."""

    def first(images: Images) -> Images:
        return Images(np.copy(images.images[:48]), np.copy(images.labels[:48]))

    parts = ("supernet_train", "supernet_valid", "scratch_train", "valid", "test")
    return ImageSplits(
        name="few digits",
        classes=digits.classes,
        **{part: first(getattr(digits, part)) for part in parts},
    )
