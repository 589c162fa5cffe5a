"""Labelled images, split for a supernet and for networks trained from scratch."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from oneshot_hpo.searchers.errors import SearchError

SPLIT_SEED = 0
"""Seed of the permutation that splits every data set."""

_FLOATS = 16
"""Bytes that a pixel of one byte may take while it is read: as float64, scaled, reordered."""


class DatasetError(SearchError, ValueError):
    """An image data set that cannot be used; the message says why and what to do."""


def check_memory(path: Path, size: int) -> None:
    """Raise DatasetError if `size` bytes of pixels are more than this machine can work with."""
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if size > memory // _FLOATS:
        raise DatasetError(
            f"{path}: its arrays have {size / 1e9:.1f} GB, too much to scale and split in this "
            f"machine's {memory / 1e9:.1f} GB of memory"
        )


def photo_shift(shape: tuple[int, int], *, are_photos: bool = False) -> int | None:
    """Pixels that crops may shift a photo by, an eighth of its height; None: it is no photo.

    shape: channels, height. Images of 32 x 32 pixels in three colours count as photos.
    """
    return shape[1] // 8 if are_photos or shape == (3, 32) else None


@dataclass(frozen=True)
class Images:
    """Images float32 (N, C, H, W) in [0, 1] and their labels int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def between(self, start: int, end: int) -> Images:
        """The images start .. end - 1, in the same memory."""
        return Images(self.images[start:end], self.labels[start:end])


@dataclass(frozen=True)
class ImageSplits:
    """One data set, split for a supernet and for networks trained from scratch.

    supernet_train and supernet_valid train the weights and the architecture of a supernet.
    scratch_train trains a single cell's network from scratch, valid and test measure it: selection
    looks at valid, reports at test. No image is in two parts of the same use; whether those of
    supernet_valid are in valid too is up to the data set. Parts may share memory: do not write.

    are_photos: shifted and mirrored images are as good, whatever their size.
    """

    name: str
    classes: int
    supernet_train: Images
    supernet_valid: Images
    scratch_train: Images
    valid: Images
    test: Images
    are_photos: bool = False

    @property
    def shift(self) -> int | None:
        """Pixels that crops may shift an image by; None: it is no photo."""
        return photo_shift((self.channels, self.image_size), are_photos=self.are_photos)

    @property
    def image_size(self) -> int:
        """Height and width in pixels."""
        return int(self.test.images.shape[2])

    @cached_property
    def checksum(self) -> str:
        """SHA-256 of the images and labels that a supernet trains on, with shapes and types."""
        return _sha256(self.supernet_train, self.supernet_valid)

    @cached_property
    def scratch_checksum(self) -> str:
        """SHA-256 of the images that a table's cells are trained and evaluated on."""
        return _sha256(self.scratch_train, self.valid, self.test)

    @property
    def channels(self) -> int:
        """Colour channels of an image."""
        return int(self.test.images.shape[1])


def _sha256(*parts: Images) -> str:
    digest = hashlib.sha256()
    for part in parts:
        for array in (part.images, part.labels):
            digest.update(str((array.shape, array.dtype)).encode())
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def random_images(count: int, channels: int, pixels: int) -> ImageSplits:
    """Noise in ten classes, the same images in every part: to time or count a step of a search."""
    rng = np.random.default_rng(0)
    images = rng.random((count, channels, pixels, pixels), np.float32)
    part = Images(images, rng.integers(10, size=count))
    return ImageSplits("random", 10, part, part, part, part, part)
