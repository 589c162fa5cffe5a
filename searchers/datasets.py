"""Labelled images, split for a supernet and for networks trained from scratch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np

_SPLIT_SEED = 0
_PARTS = ("supernet_train", "supernet_valid", "valid", "test")
_SHARES = (0.3, 0.3, 0.2, 0.2)


class DatasetError(ValueError):
    """An image data set that cannot be used; the message says why and what to do."""


@dataclass(frozen=True)
class Images:
    """Images float32 (N, C, H, W) in [0, 1] and their labels int64 (N,)."""

    images: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class ImageSplits:
    """One data set in four disjoint parts.

    supernet_train and supernet_valid train the weights and the architecture of a supernet;
    together they train a single cell's network from scratch. valid and test measure that
    network: selection looks at valid, reports at test.
    """

    name: str
    classes: int
    supernet_train: Images
    supernet_valid: Images
    valid: Images
    test: Images

    @property
    def image_size(self) -> int:
        """Height and width in pixels."""
        return int(self.test.images.shape[2])

    @property
    def channels(self) -> int:
        """Colour channels of an image."""
        return int(self.test.images.shape[1])

    @property
    def scratch_train(self) -> Images:
        """The images on which a single cell's network is trained from scratch."""
        parts = (self.supernet_train, self.supernet_valid)
        return Images(
            np.concatenate([part.images for part in parts]),
            np.concatenate([part.labels for part in parts]),
        )


def load_dataset(source: str | Path) -> ImageSplits:
    """Load "digits" or a user's .npz file with arrays `images` and `labels`.

    digits: scikit-learn's 1,797 images of 8 x 8 pixels in 10 classes (UCI optical digits).
    A file: images (N, H, W) or (N, H, W, C), square, uint8 or numbers of any range, which is
    scaled to [0, 1]; labels (N,), any values, numbered in sorted order.
    Split 30 / 30 / 20 / 20 % into supernet_train, supernet_valid, valid and test by one
    permutation from a fixed seed. Raises DatasetError.
    """
    if source == "digits":
        from sklearn.datasets import load_digits

        bunch = load_digits()
        return split_arrays("digits", bunch.images, bunch.target)
    path = Path(source)
    try:
        with np.load(path, allow_pickle=False) as arrays:
            images, labels = arrays["images"], arrays["labels"]
    except FileNotFoundError:
        raise DatasetError(
            f"no data set {str(source)!r}: use 'digits' or the path of an .npz file with arrays "
            "'images' and 'labels'"
        ) from None
    except (KeyError, ValueError, TypeError, EOFError, BadZipFile) as error:
        raise DatasetError(
            f"{path}: not an .npz file with arrays 'images' and 'labels' ({error})"
        ) from None
    return split_arrays(path.stem, images, labels)


def split_arrays(name: str, images: np.ndarray, labels: np.ndarray) -> ImageSplits:
    """Check, scale and split arrays as `load_dataset` describes; raises DatasetError."""
    if images.ndim == 3:
        images = images[..., None]
    if images.ndim != 4 or images.shape[1] != images.shape[2]:
        raise DatasetError(
            f"data set {name}: images need shape (N, H, H) or (N, H, H, C), not {images.shape}"
        )
    if labels.shape != images.shape[:1]:
        raise DatasetError(
            f"data set {name}: {len(images)} images need as many labels, not shape {labels.shape}"
        )
    if images.dtype.kind not in "uif" or not np.isfinite(images).all():
        raise DatasetError(f"data set {name}: images need finite numbers, not {images.dtype}")
    lowest, highest = float(images.min()), float(images.max())
    if lowest == highest:
        raise DatasetError(f"data set {name}: every pixel is {lowest:g}")
    names, codes = np.unique(labels, return_inverse=True)
    if len(names) < 2 or len(images) < 10:
        raise DatasetError(f"data set {name}: needs 2 classes and 10 images at least")

    scaled = ((images - lowest) / (highest - lowest)).astype(np.float32).transpose(0, 3, 1, 2)
    order = np.random.default_rng(_SPLIT_SEED).permutation(len(images))
    cuts = np.rint(np.cumsum(_SHARES)[:-1] * len(images)).astype(int)
    parts = {
        part: Images(np.ascontiguousarray(scaled[rows]), codes[rows].astype(np.int64))
        for part, rows in zip(_PARTS, np.split(order, cuts), strict=True)
    }
    return ImageSplits(name=name, classes=len(names), **parts)
