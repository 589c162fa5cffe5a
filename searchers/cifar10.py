"""CIFAR-10 (Krizhevsky, 2009) from the files of its Python version, and its splits."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from search_spaces.data_folder import CIFAR10
from searchers.images import SPLIT_SEED, DatasetError, Images, ImageSplits

META = "batches.meta"
TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"
FILES = (META, *TRAIN_BATCHES, TEST_BATCH)

_Content = TypeVar("_Content")

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


def _read(path: Path, parse: Callable[[Mapping[str, Any]], _Content]) -> _Content:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise DatasetError(f"{path.parent}: not CIFAR-10, {path.name} is missing") from None
    try:
        document = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        return parse({_text(key): value for key, value in document.items()})
    except Exception as error:  # a damaged pickle can raise anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DatasetError(
            f"{path}: damaged, or not a file of CIFAR-10's Python version ({reason})"
        ) from None


def _class_names(document: Mapping[str, Any]) -> tuple[str, ...]:
    names = tuple(map(_text, document["label_names"]))
    if len(names) < 2:
        raise ValueError("label_names needs 2 names at least")
    return names


def _batch(document: Mapping[str, Any]) -> RawImages:
    data, labels = document["data"], document["labels"]
    if not isinstance(data, _Array):
        raise TypeError("data is no array")
    pixels = data.pixels()
    if not isinstance(labels, list) or any(type(label) is not int for label in labels):
        raise TypeError("labels is no list of whole numbers")
    if len(labels) != len(pixels):
        raise ValueError(f"{len(pixels)} images have {len(labels)} labels")
    return RawImages(pixels, np.array(labels, np.int64))


def _scaled(raw: RawImages) -> Images:
    pixels = np.divide(raw.pixels, np.float32(255), dtype=np.float32)
    return Images(pixels.reshape(-1, *_SHAPE), raw.labels)


def _text(value: Any) -> str:
    """A string as Python 2 pickled it (bytes here), or Python 3."""
    return value.decode("ascii") if isinstance(value, bytes) else str(value)


class _Type:
    """A NumPy type that a pickle asks for, as it is written there."""

    def __init__(self, name: Any, *_: Any) -> None:
        self.name = _text(name)

    def __setstate__(self, state: Any) -> None:
        """Byte order, alignment: one byte has none."""


class _Array:
    """A NumPy array that a pickle asks for: its shape, type, order and bytes, not yet believed."""

    def __setstate__(self, state: Any) -> None:
        _, self.shape, self.type, self.by_columns, self.content = state

    def pixels(self) -> np.ndarray:
        """Images uint8 (N, 3072); raises ValueError or TypeError for anything else."""
        if not isinstance(self.type, _Type) or self.type.name != "u1":
            raise TypeError("data is not of type uint8")
        count, width = self.shape
        if width != _PIXELS:
            raise ValueError(f"data has {width} values an image, not {_PIXELS}")
        flat = np.frombuffer(self.content, np.uint8)
        return flat.reshape((count, width), order="F" if self.by_columns else "C")


class _Unpickler(pickle.Unpickler):
    """Makes plain values, `_Array` and `_Type`; no name in a file leads to other code."""

    def find_class(self, module: str, name: str) -> Any:
        """What stands for the three names of NumPy in these files; UnpicklingError for others."""
        replacements: dict[str, Any] = {
            "_reconstruct": lambda *_: _Array(),
            "ndarray": _Array,
            "dtype": _Type,
        }
        if module.split(".")[0] != "numpy" or name not in replacements:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        return replacements[name]
