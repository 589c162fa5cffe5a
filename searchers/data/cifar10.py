"""CIFAR-10 (Krizhevsky, 2009) from the files of its Python version, and its splits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from oneshot_hpo.search_spaces.data_folder import CIFAR10
from oneshot_hpo.searchers.data.images import (
    SPLIT_SEED,
    DatasetError,
    Images,
    ImageSplits,
    check_memory,
)
from oneshot_hpo.searchers.data.pickles import Made, read_pickle

META = "batches.meta"
TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"
FILES = (META, *TRAIN_BATCHES, TEST_BATCH)

_Content = TypeVar("_Content")

LARGEST = 1 << 30
"""Bytes; an official file has 31 million."""
_SHAPE = (3, 32, 32)
_PIXELS = 3 * 32 * 32
_SCRATCH_SHARE = 0.8  # NAS-Bench-101: 40,000 of 50,000 images, section 2.3


@dataclass(frozen=True)
class RawImages:
    """Pixels uint8 (N, 3072), planes R, G, B of 32 rows each; labels int64 (N,)."""

    pixels: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Cifar10:
    """The official data set: names of the classes by label, images in the order of the files."""

    classes: tuple[str, ...]
    train: RawImages
    test: RawImages


def load_cifar10(folder: Path) -> ImageSplits:
    """Read and split the files of a folder; raises what `read_cifar10` does."""
    return split_cifar10(read_cifar10(folder))


def files_folder(folder: Path) -> Path:
    """Where the files are: the folder cifar-10-batches-py in this one, if it has one, or itself."""
    return folder / CIFAR10 if (folder / CIFAR10).is_dir() else folder


def split_cifar10(data: Cifar10) -> ImageSplits:
    """Lay the training images in one order, drawn from a fixed seed, and cut it twice.

    A supernet's weights train on the first half, its architecture on the second. Networks from
    scratch train on the first 80 %, and `valid` is the last 20 %, which are images of
    supernet_valid too: both uses take all 50,000 images, as in NAS-Bench-1Shot1 and NAS-Bench-101.
    `test` is the official test set. All parts of the training images share their memory.
    """
    count = len(data.train)
    order = np.random.default_rng(SPLIT_SEED).permutation(count)
    whole = _scaled(RawImages(data.train.pixels[order], data.train.labels[order]))
    half, cut = count // 2, round(_SCRATCH_SHARE * count)
    return ImageSplits(
        name="cifar10",
        classes=len(data.classes),
        supernet_train=whole.between(0, half),
        supernet_valid=whole.between(half, count),
        scratch_train=whole.between(0, cut),
        valid=whole.between(cut, count),
        test=_scaled(data.test),
    )


def read_cifar10(folder: Path) -> Cifar10:
    """Read a folder of the official files; a batch may hold any number of images.

    What is no such file is told by its keys and shapes, not by a checksum. Raises DatasetError for
    a file that is missing or something else, OSError for one that cannot be read.
    """
    check_memory(folder, sum(_size(folder / name) for name in FILES))
    names = _read(folder / META, _class_names)
    train = [_read(folder / name, _batch) for name in TRAIN_BATCHES]
    test = _read(folder / TEST_BATCH, _batch)
    for name, batch in zip((*TRAIN_BATCHES, TEST_BATCH), (*train, test), strict=True):
        if len(batch) and not 0 <= batch.labels.min() <= batch.labels.max() < len(names):
            raise DatasetError(f"{folder / name}: a label is not in 0 to {len(names) - 1}")
    pixels = np.concatenate([batch.pixels for batch in train])
    labels = np.concatenate([batch.labels for batch in train])
    if len(labels) < 10 or not len(test):
        raise DatasetError(f"{folder}: needs 10 training images and 1 test image at least")
    return Cifar10(names, RawImages(pixels, labels), test)


def _size(path: Path) -> int:
    """The bytes of a file; 0 for one that is missing, which is told when it is read."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def _read(path: Path, parse: Callable[[Mapping[str, Any]], _Content]) -> _Content:
    try:
        if path.stat().st_size > LARGEST:
            raise DatasetError(f"{path}: too large for a file of CIFAR-10")
        content = path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(f"{path.parent}: not CIFAR-10, {path.name} is missing") from None
    try:
        return parse(read_pickle(content))
    except (ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DatasetError(
            f"{path}: damaged, or not a file of CIFAR-10's Python version ({reason})"
        ) from None


def _class_names(document: Mapping[str, Any]) -> tuple[str, ...]:
    names = document["label_names"]
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise TypeError("label_names is no list of texts")
    if len(names) < 2:
        raise ValueError("label_names needs 2 names at least")
    return tuple(names)


def _batch(document: Mapping[str, Any]) -> RawImages:
    pixels, labels = _pixels(document["data"]), document["labels"]
    if not isinstance(labels, list) or any(type(label) is not int for label in labels):
        raise TypeError("labels is no list of whole numbers")
    if len(labels) != len(pixels):
        raise ValueError(f"{len(pixels)} images have {len(labels)} labels")
    if any(not 0 <= label < 1 << 31 for label in labels):
        raise ValueError("a label is not in range")
    return RawImages(pixels, np.array(labels, np.int64))


def _pixels(array: Any) -> np.ndarray:
    """Images uint8 (N, 3072) of an array's parts; raises ValueError or TypeError."""
    if not isinstance(array, Made) or not isinstance(array.state, tuple) or len(array.state) != 5:
        raise TypeError("data is no array")
    _, shape, kind, by_columns, content = array.state
    if not isinstance(kind, Made) or kind.name != "dtype" or kind.arguments[:1] != ("u1",):
        raise TypeError("data is not of type uint8")
    if not isinstance(shape, tuple) or len(shape) != 2 or any(type(n) is not int for n in shape):
        raise TypeError("data is no matrix")
    if shape[1] != _PIXELS:
        raise ValueError(f"data has {shape[1]} values an image, not {_PIXELS}")
    if not isinstance(content, str) or len(content) != shape[0] * _PIXELS:
        raise ValueError(f"data does not have the bytes of {shape[0]} images")
    flat = np.frombuffer(content.encode("latin-1"), np.uint8)
    return flat.reshape(shape, order="F" if by_columns is True else "C")


def _scaled(raw: RawImages) -> Images:
    pixels = np.divide(raw.pixels, np.float32(255), dtype=np.float32)
    return Images(pixels.reshape(-1, *_SHAPE), raw.labels)
