"""Data sets of images that come as pickles: their official files, and which set a path holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from oneshot_hpo.experiments.data.archives import is_archive, opened
from oneshot_hpo.experiments.data.tar_reader import TarFault
from oneshot_hpo.experiments.errors import DataError
from oneshot_hpo.search_spaces.data_folder import CIFAR10, CIFAR100, IMAGENET16
from oneshot_hpo.searchers.data.cifar10 import read_cifar10
from oneshot_hpo.searchers.data.cifar100 import read_cifar100
from oneshot_hpo.searchers.data.imagenet16 import read_imagenet16
from oneshot_hpo.searchers.data.pickled_images import LARGEST, PickledImages


@dataclass(frozen=True, eq=False)
class ImageSet:
    """A data set of images.

    name: in study files. title: for people. folder: the name of its folder, here and at its
    authors'. archive: the name of what its authors packed. official: MD5 of each official file,
    by name. read: reads a folder of the files and checks them; raises DatasetError, OSError.
    """

    name: str
    title: str
    folder: str
    archive: str
    official: Mapping[str, str]
    read: Callable[[Path], PickledImages]

    def files_folder(self, source: Path) -> Path:
        """Where the files are: in the folder of this data set inside `source`, or in `source`."""
        inner = source / self.folder
        return inner if inner.is_dir() else source

    def files_in(self, source: Path) -> list[Path]:
        """Those of the files that a folder, or this data set's folder in it, has."""
        paths = (self.files_folder(source) / name for name in self.official)
        return [path for path in paths if path.is_file()]


CIFAR_10 = ImageSet(
    name="cifar10",
    title="CIFAR-10",
    folder=CIFAR10,
    archive="cifar-10-python.tar.gz",
    # torchvision, datasets/cifar.py
    official={
        "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
        "data_batch_1": "c99cafc152244af753f735de768cd75f",
        "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
        "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
        "data_batch_4": "634d18415352ddfa80567beed471001a",
        "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
        "test_batch": "40351d587109b95175f43aff81a1287e",
    },
    read=read_cifar10,
)
CIFAR_100 = ImageSet(
    name="cifar100",
    title="CIFAR-100",
    folder=CIFAR100,
    archive="cifar-100-python.tar.gz",
    # torchvision, datasets/cifar.py
    official={
        "meta": "7973b15100ade9c7d40fb424638fde48",
        "train": "16019d7e3df5f24257cddd939b257f8d",
        "test": "f0ef6b0ae62326f3e7ffdfab6717acfc",
    },
    read=read_cifar100,
)
IMAGENET16_120 = ImageSet(
    name="imagenet16",
    title="ImageNet16-120",
    folder=IMAGENET16,
    archive="ImageNet16.tar.gz",
    # NAS-Bench-201's authors, xautodl/datasets/DownsampledImageNet.py
    official={
        "train_data_batch_1": "27846dcaa50de8e21a7d1a35f30f0e91",
        "train_data_batch_2": "c7254a054e0e795c69120a5727050e3f",
        "train_data_batch_3": "4333d3df2e5ffb114b05d2ffc19b1e87",
        "train_data_batch_4": "1620cdf193304f4a92677b695d70d10f",
        "train_data_batch_5": "348b3c2fdbb3940c4e9e834affd3b18d",
        "train_data_batch_6": "6e765307c242a1b3d7d5ef9139b48945",
        "train_data_batch_7": "564926d8cbf8fc4818ba23d2faac7564",
        "train_data_batch_8": "f4755871f718ccb653440b9dd0ebac66",
        "train_data_batch_9": "bb6dd660c38c58552125b1a92f86b5d4",
        "train_data_batch_10": "8f03f34ac4b42271a294f91bf480f29b",
        "val_data": "3410e3017fdaefba8d5073aaa65e4bd6",
    },
    read=read_imagenet16,
)
IMAGE_SETS = (CIFAR_10, CIFAR_100, IMAGENET16_120)


def recognised(source: Path) -> ImageSet | None:
    """The data set of a folder or an archive; None for another file.

    One that holds none of the files is taken for CIFAR-10, whose import says what is missing.
    Raises DataError for a folder of several data sets, OSError.
    """
    if source.is_dir():
        return _of_folder(source)
    return _of_archive(source) if is_archive(source) else None


def _of_folder(source: Path) -> ImageSet:
    """The data set of which a folder has the largest share of the files."""
    shares = {images: len(images.files_in(source)) / len(images.official) for images in IMAGE_SETS}
    whole = [images.title for images, share in shares.items() if share == 1]
    if len(whole) > 1:
        raise DataError(f"{source} holds {' and '.join(whole)}; name the folder of one of them")
    return max(shares, key=shares.__getitem__)


def _of_archive(source: Path) -> ImageSet:
    """The data set to which the first file belongs that is one of any of them."""
    by_file = {name: images for images in IMAGE_SETS for name in images.official}
    try:
        with opened(source, LARGEST) as archive:
            for member in archive:
                name = PurePosixPath(member.name).name
                if name in by_file and not member.is_folder:
                    return by_file[name]
    except TarFault:  # the import finds it again, and says it
        pass
    return CIFAR_10
