"""CIFAR-10 (Krizhevsky, 2009) from the files of its Python version, and its splits."""

from __future__ import annotations

from pathlib import Path

from oneshot_hpo.search_spaces.data_folder import CIFAR10
from oneshot_hpo.searchers.data.images import ImageSplits, check_memory
from oneshot_hpo.searchers.data.pickled_images import (
    PickledImages,
    check_counts,
    check_labels,
    images_of,
    joined,
    names_of,
    read_file,
    size_of,
    split_images,
)

META = "batches.meta"
TRAIN_BATCHES = tuple(f"data_batch_{number}" for number in range(1, 6))
TEST_BATCH = "test_batch"
FILES = (META, *TRAIN_BATCHES, TEST_BATCH)

_NAME = "CIFAR-10"
_HEIGHT = 32


def load_cifar10(folder: Path) -> ImageSplits:
    """Read and split the files of a folder; raises what `read_cifar10` does."""
    return split_cifar10(read_cifar10(folder))


def files_folder(folder: Path) -> Path:
    """Where the files are: the folder cifar-10-batches-py in this one, if it has one, or itself."""
    return folder / CIFAR10 if (folder / CIFAR10).is_dir() else folder


def split_cifar10(data: PickledImages) -> ImageSplits:
    """Split as `split_images` says."""
    return split_images("cifar10", data)


def read_cifar10(folder: Path) -> PickledImages:
    """Read a folder of the official files; a batch may hold any number of images.

    Files are recognized by keys and shapes, not by a checksum. Raises DatasetError for
    a file that is missing or something else, OSError for one that cannot be read.
    """
    check_memory(folder, sum(size_of(folder / name) for name in FILES))
    names = read_file(folder / META, _NAME, lambda found: names_of(found, "label_names"))
    batches = {
        name: read_file(folder / name, _NAME, lambda found: images_of(found, "labels", _HEIGHT))
        for name in (*TRAIN_BATCHES, TEST_BATCH)
    }
    for name, batch in batches.items():
        check_labels(folder / name, batch, len(names))
    test = batches.pop(TEST_BATCH)
    train = joined(list(batches.values()))
    check_counts(folder, train, test)
    return PickledImages(names, train, test)
