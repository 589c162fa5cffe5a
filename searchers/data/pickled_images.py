"""Images and labels in pickles of Python: what CIFAR-10, CIFAR-100 and ImageNet16 come as."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from oneshot_hpo.searchers.data.images import SPLIT_SEED, DatasetError, Images, ImageSplits
from oneshot_hpo.searchers.data.pickles import PickledObject, read_pickle

LARGEST = 1 << 30
"""Bytes; an official file has 31 to 170 million."""
_COLOURS = 3
_SCRATCH_SHARE = 0.8  # NAS-Bench-101: 40,000 of 50,000 images, section 2.3

_Content = TypeVar("_Content")


@dataclass(frozen=True)
class RawImages:
    """Pixels uint8 (N, 3 H H), planes R, G, B of H rows each; labels int64 (N,)."""

    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, chosen: np.ndarray) -> RawImages:
        """The images with these indices, or where a mask is true."""
        return RawImages(self.pixels[chosen], self.labels[chosen])


@dataclass(frozen=True)
class PickledImages:
    """A data set as its files have it, not yet split.

    classes: names of the classes by label, their numbers where the files have no names.
    """

    classes: tuple[str, ...]
    train: RawImages
    test: RawImages


def read_file(
    path: Path, data_set: str, parse: Callable[[Mapping[str, Any]], _Content]
) -> _Content:
    """The result of `parse` for the dictionary in a file of a data set, which messages name.

    Raises DatasetError for a file that is missing or something else, OSError for one that cannot
    be read.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise DatasetError(f"{path}: too large for a file of {data_set}")
        content = path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(f"{path.parent}: not {data_set}, {path.name} is missing") from None
    try:
        return parse(read_pickle(content))
    except (ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DatasetError(
            f"{path}: damaged, or not a file of {data_set}'s Python version ({reason})"
        ) from None


def size_of(path: Path) -> int:
    """The size of a file in bytes; 0 if it is missing, which reading reports later."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def names_of(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """The names of classes under a key; raises ValueError or TypeError."""
    names = document[key]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError(f"{key} is not a list of texts")
    if len(names) < 2:
        raise ValueError(f"{key} needs 2 names at least")
    return tuple(names)


def images_of(document: Mapping[str, Any], label_key: str, height: int) -> RawImages:
    """The images under `data` and their labels; raises ValueError, TypeError or KeyError."""
    pixels, labels = _pixels(document["data"], _COLOURS * height**2), document[label_key]
    if not isinstance(labels, list) or any(type(label) is not int for label in labels):
        raise TypeError(f"{label_key} is not a list of whole numbers")
    if len(labels) != len(pixels):
        raise ValueError(f"{len(pixels)} images have {len(labels)} labels")
    if any(not 0 <= label < 1 << 31 for label in labels):
        raise ValueError("a label is not in range")
    return RawImages(pixels, np.array(labels, np.int64))


def check_labels(path: Path, images: RawImages, classes: int) -> None:
    """Raise DatasetError unless all labels are 0 to classes - 1."""
    if len(images) and not 0 <= images.labels.min() <= images.labels.max() < classes:
        raise DatasetError(f"{path}: a label is not in 0 to {classes - 1}")


def check_counts(folder: Path, train: RawImages, test: RawImages) -> None:
    """Raise DatasetError for too few images to split."""
    if len(train) < 10 or not len(test):
        raise DatasetError(f"{folder}: needs 10 training images and 1 test image at least")


def joined(parts: list[RawImages]) -> RawImages:
    """The images of several files in their order."""
    return RawImages(
        np.concatenate([part.pixels for part in parts]),
        np.concatenate([part.labels for part in parts]),
    )


def split_images(name: str, data: PickledImages) -> ImageSplits:
    """Lay the training images in one order, drawn from a fixed seed, and cut it twice.

    A supernet's weights train on the first half, its architecture on the second. Networks from
    scratch train on the first 80 %, and `valid` is the last 20 %, which are images of
    supernet_valid too: both uses take all training images, as in NAS-Bench-1Shot1 and
    NAS-Bench-101. `test` are the official test images. All parts of the training images share
    their memory.
    """
    count = len(data.train)
    whole = _scaled(data.train.rows(np.random.default_rng(SPLIT_SEED).permutation(count)))
    half, cut = count // 2, round(_SCRATCH_SHARE * count)
    return ImageSplits(
        name=name,
        classes=len(data.classes),
        supernet_train=whole.between(0, half),
        supernet_valid=whole.between(half, count),
        scratch_train=whole.between(0, cut),
        valid=whole.between(cut, count),
        test=_scaled(data.test),
        are_photos=True,
    )


def _pixels(array: Any, values: int) -> np.ndarray:
    """Images uint8 (N, values) of an array's parts; raises ValueError or TypeError."""
    is_array = isinstance(array, PickledObject) and isinstance(array.state, tuple)
    if not is_array or len(array.state) != 5:
        raise TypeError("data is not an array")
    _, shape, kind, by_columns, content = array.state
    if not isinstance(kind, PickledObject) or kind.name != "dtype" or kind.arguments[:1] != ("u1",):
        raise TypeError("data is not of type uint8")
    if not isinstance(shape, tuple) or len(shape) != 2 or any(type(n) is not int for n in shape):
        raise TypeError("data is not a matrix")
    if shape[1] != values:
        raise ValueError(f"data has {shape[1]} values an image, not {values}")
    if not isinstance(content, str) or len(content) != shape[0] * values:
        raise ValueError(f"data does not have the bytes of {shape[0]} images")
    flat = np.frombuffer(content.encode("latin-1"), np.uint8)
    return flat.reshape(shape, order="F" if by_columns is True else "C")


def _scaled(raw: RawImages) -> Images:
    height = round((raw.pixels.shape[1] / _COLOURS) ** 0.5)
    pixels = np.divide(raw.pixels, np.float32(255), dtype=np.float32)
    return Images(pixels.reshape(-1, _COLOURS, height, height), raw.labels)
