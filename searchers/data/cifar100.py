"""CIFAR-100 (Krizhevsky, 2009) from the files of its Python version: its 100 fine classes."""

from __future__ import annotations

from pathlib import Path

from oneshot_hpo.searchers.data.images import ImageSplits, check_memory
from oneshot_hpo.searchers.data.pickled_images import (
    PickledImages,
    check_counts,
    check_labels,
    images_of,
    names_of,
    read_file,
    size_of,
    split_images,
)

META, TRAIN, TEST = FILES = ("meta", "train", "test")

_NAME = "CIFAR-100"
_HEIGHT = 32


def load_cifar100(folder: Path) -> ImageSplits:
    """Read and split the files of a folder; raises what `read_cifar100` does."""
    return split_images("cifar100", read_cifar100(folder))


def read_cifar100(folder: Path) -> PickledImages:
    """Read a folder of the official files; they may hold any number of images.

    Raises DatasetError for a file that is missing or something else, OSError for one that cannot
    be read.
    """
    check_memory(folder, sum(size_of(folder / name) for name in FILES))
    names = read_file(folder / META, _NAME, lambda found: names_of(found, "fine_label_names"))
    train, test = (
        read_file(folder / name, _NAME, lambda found: images_of(found, "fine_labels", _HEIGHT))
        for name in (TRAIN, TEST)
    )
    check_labels(folder / TRAIN, train, len(names))
    check_labels(folder / TEST, test, len(names))
    check_counts(folder, train, test)
    return PickledImages(names, train, test)
