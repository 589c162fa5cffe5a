"""Where data lies that is not shipped, once per user: tables of benchmarks, and images."""

from __future__ import annotations

import os
from pathlib import Path

from oneshot_hpo.search_spaces.errors import SpaceError

VARIABLE = "ONESHOT_HPO_DATA"
NASBENCH101 = "nasbench101.npz"
NASBENCH201 = "nasbench201.npz"
TRANSNAS_MICRO = "transnas-micro.npz"
TRANSNAS_MACRO = "transnas-macro.npz"
CIFAR10 = "cifar-10-batches-py"
CIFAR100 = "cifar-100-python"
IMAGENET16 = "ImageNet16"


class NoDataFolder(SpaceError, ValueError):
    """This user has no home folder, and no folder was chosen."""


def data_folder() -> Path:
    """The folder's absolute path; it need not exist yet.

    ONESHOT_HPO_DATA if that is set and not empty, else this platform's folder for a user's data.
    Raises NoDataFolder.
    """
    import platformdirs  # only here: a search on images at hand needs no data folder

    chosen = os.environ.get(VARIABLE)
    try:
        if chosen:
            return Path(chosen).expanduser().absolute()
        folder = platformdirs.user_data_path("oneshot-hpo", appauthor=False)
    except RuntimeError:  # no HOME, and no entry in the list of users
        raise _no_home() from None
    if not folder.is_absolute():  # as platformdirs had it before it raised an error
        raise _no_home()
    return folder


def _no_home() -> NoDataFolder:
    return NoDataFolder(
        f"this user has no home folder: set HOME, or {VARIABLE} to the path of a folder for data"
    )
