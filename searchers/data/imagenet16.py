"""ImageNet16-120: ImageNet at 16 x 16 pixels (Chrabaszcz et al., 2017), its first 120 classes.

The files are the authors' pickles of all 1,000 classes, as NAS-Bench-201 takes them (its paper,
section 2.2, and xautodl/datasets/DownsampledImageNet.py): labels 1 to 1,000, of which 1 to 120 are
kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oneshot_hpo.searchers.data.images import ImageSplits, check_memory
from oneshot_hpo.searchers.data.pickled_images import (
    PickledImages,
    RawImages,
    check_counts,
    images_of,
    joined,
    read_file,
    size_of,
    split_images,
)

TRAIN_BATCHES = tuple(f"train_data_batch_{number}" for number in range(1, 11))
TEST_BATCH = "val_data"
FILES = (*TRAIN_BATCHES, TEST_BATCH)
CLASSES = 120

_NAME = "ImageNet16"
_HEIGHT = 16
_ALL_CLASSES = 1_000


def load_imagenet16(folder: Path) -> ImageSplits:
    """Read and split the files of a folder; raises what `read_imagenet16` does."""
    return split_images("imagenet16", read_imagenet16(folder))


def read_imagenet16(folder: Path) -> PickledImages:
    """Read a folder of the official files, and keep the images of the first 120 classes.

    `test` is the validation set, whose labels are public; NAS-Bench-201 tests on half of it.
    Raises DatasetError for a file that is missing or something else, OSError for one that cannot
    be read.
    """
    check_memory(folder, sum(size_of(folder / name) for name in FILES) * CLASSES // _ALL_CLASSES)
    train = joined([read_file(folder / name, _NAME, _kept) for name in TRAIN_BATCHES])
    test = read_file(folder / TEST_BATCH, _NAME, _kept)
    check_counts(folder, train, test)
    names = tuple(map(str, range(1, CLASSES + 1)))
    return PickledImages(names, train, test)


def _kept(document: Mapping[str, Any]) -> RawImages:
    """The images of the first classes, labels from 0; raises ValueError, TypeError or KeyError."""
    images = images_of(document, "labels", _HEIGHT)
    if len(images) and not 1 <= images.labels.min() <= images.labels.max() <= _ALL_CLASSES:
        raise ValueError(f"a label is not in 1 to {_ALL_CLASSES}")
    kept = images.rows(images.labels <= CLASSES)
    return RawImages(kept.pixels, kept.labels - 1)
