"""The data sets: digits, CIFAR-10, CIFAR-100, ImageNet16-120, and users' arrays."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from oneshot_hpo import foreign, plugins
from oneshot_hpo.search_spaces.data_folder import CIFAR10, CIFAR100, IMAGENET16, data_folder
from oneshot_hpo.searchers.data import cifar100, imagenet16
from oneshot_hpo.searchers.data.cifar10 import files_folder, load_cifar10
from oneshot_hpo.searchers.data.images import (
    SPLIT_SEED,
    DatasetError,
    Images,
    ImageSplits,
    check_memory,
)

FOLDERS = {"cifar10": CIFAR10, "cifar100": CIFAR100, "imagenet16": IMAGENET16}
"""Data sets that are folders of files, and what the folders are called."""

_SHARES = (0.3, 0.3, 0.2, 0.2)


def load_dataset(source: str | Path) -> ImageSplits:
    """Load a data set by its name, its folder, or an .npz file of `images` and `labels`.

    digits: scikit-learn's 1,797 images of 8 x 8 pixels in 10 classes (UCI optical digits).
    cifar10, cifar100, imagenet16 (ImageNet16-120): the folders cifar-10-batches-py,
    cifar-100-python, ImageNet16 of the data folder; searchers.data.pickled_images splits them.
    A file: images (N, H, W) or (N, H, W, C), square, uint8 or numbers of any range, which is
    scaled to [0, 1]; labels (N,), whole numbers or text, numbered in sorted order.
    digits and files are split as `split_arrays` says.
    A plug-in: a function without arguments that returns ImageSplits. Raises DatasetError.
    """
    if plugins.is_name("dataset", str(source)):
        return _named(str(source))
    path = Path(source)
    if path.is_dir():
        return _load_folder(path)

    try:
        images, labels = _read_arrays(path)
    except FileNotFoundError:
        raise DatasetError(
            f"no data set {str(source)!r}: use {', '.join(map(repr, plugins.names('dataset')))}, "
            f"the path of a folder {CIFAR10}, or of an .npz file with arrays 'images' and 'labels'"
        ) from None
    except DatasetError:
        raise
    except Exception as error:  # NumPy's headers and zip can raise anything
        raise DatasetError(
            f"{path}: not an .npz file with arrays 'images' and 'labels' ({error})"
        ) from None
    return split_arrays(path.stem, images, labels)


def _named(name: str) -> ImageSplits:
    """A data set that is built in, or a plug-in."""
    splits: ImageSplits
    try:
        entry = plugins.entry("dataset", name)
        found = entry.load()
        splits = found() if entry.is_built_in else foreign.made(found, ImageSplits, entry.label)
    except foreign.PluginError as error:
        raise DatasetError(str(error)) from None
    return splits


def load_digits() -> ImageSplits:
    """The data set "digits"."""
    from sklearn import datasets

    bunch = datasets.load_digits()
    return split_arrays("digits", bunch.images, bunch.target)


def load_imported_cifar10() -> ImageSplits:
    """The data set "cifar10". Raises DatasetError where it was not imported."""
    return load_cifar10(
        _present("CIFAR-10", CIFAR10, "`oneshot-hpo data fetch cifar10` downloads it, ")
    )


def load_cifar100() -> ImageSplits:
    """The data set "cifar100". Raises DatasetError where it is not in the data folder."""
    return cifar100.load_cifar100(
        _present("CIFAR-100", CIFAR100, "`oneshot-hpo data fetch cifar100` downloads it, ")
    )


def load_imagenet16() -> ImageSplits:
    """The data set "imagenet16". Raises DatasetError where it is not in the data folder."""
    return imagenet16.load_imagenet16(_present("ImageNet16-120", IMAGENET16))


def _present(title: str, name: str, download: str = "") -> Path:
    """A folder of the data folder. DatasetError: not there; says how to get it."""
    folder = data_folder() / name
    if not folder.is_dir():
        raise DatasetError(
            f"{title} is not in {folder.parent}: {download}`oneshot-hpo data import PATH` takes a "
            f"folder {name}, or an archive of it, that is on this machine"
        )
    return folder


def _load_folder(path: Path) -> ImageSplits:
    """A data set from its folder, or from a folder around that one; CIFAR-10 if it is no other."""
    for folder in (path / CIFAR100, path):
        if (folder / cifar100.TRAIN).is_file():
            return cifar100.load_cifar100(folder)
    for folder in (path / IMAGENET16, path):
        if (folder / imagenet16.TEST_BATCH).is_file():
            return imagenet16.load_imagenet16(folder)
    return load_cifar10(files_folder(path))


def _read_arrays(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """images and labels of an .npz file; DatasetError for more than this machine could hold."""
    with zipfile.ZipFile(path) as archive:
        size = sum(member.file_size for member in archive.infolist())
    check_memory(path, size)
    with np.load(path, allow_pickle=False) as arrays:
        images, labels = arrays["images"], arrays["labels"]
    if not isinstance(images, np.ndarray) or not isinstance(labels, np.ndarray):
        raise DatasetError(f"{path}: 'images' and 'labels' have to be arrays")
    return images, labels


def _check_labels(name: str, labels: np.ndarray) -> None:
    """DatasetError unless labels name classes: measured values would each become one."""
    if labels.dtype.kind not in "biufUS":
        raise DatasetError(
            f"data set {name}: labels need whole numbers or text, not {labels.dtype}"
        )
    if labels.dtype.kind == "f" and not (labels == np.rint(labels)).all():  # NaN equals nothing
        wrong = labels[labels != np.rint(labels)][0]
        raise DatasetError(
            f"data set {name}: a label is {wrong:g}: labels number classes, they need whole numbers"
        )
    if labels.dtype.kind == "f" and np.isinf(labels).any():
        raise DatasetError(f"data set {name}: a label is infinite")


def split_arrays(name: str, images: np.ndarray, labels: np.ndarray) -> ImageSplits:
    """Check and scale arrays as `load_dataset` describes, and split them; raises DatasetError.

    One permutation, drawn from a fixed seed, is cut 30 / 30 / 20 / 20 % into supernet_train,
    supernet_valid, valid and test; scratch_train is the first two together.
    """
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
    _check_labels(name, labels)
    names, codes = np.unique(labels, return_inverse=True)
    if len(names) < 2 or len(images) < 10:
        raise DatasetError(f"data set {name}: needs 2 classes and 10 images at least")

    scaled = ((images - lowest) / (highest - lowest)).astype(np.float32).transpose(0, 3, 1, 2)
    order = np.random.default_rng(SPLIT_SEED).permutation(len(images))
    whole = Images(np.ascontiguousarray(scaled[order]), codes[order].astype(np.int64))
    half, valid, test = np.rint(np.cumsum(_SHARES)[:-1] * len(images)).astype(int)
    return ImageSplits(
        name=name,
        classes=len(names),
        supernet_train=whole.between(0, half),
        supernet_valid=whole.between(half, valid),
        scratch_train=whole.between(0, valid),
        valid=whole.between(valid, test),
        test=whole.between(test, len(whole)),
    )
