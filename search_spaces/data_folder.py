"""Where data lies that is not shipped: NAS-Bench-101 and CIFAR-10, once per user."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

VARIABLE = "ONESHOT_HPO_DATA"
NASBENCH101 = "nasbench101.npz"
CIFAR10 = "cifar-10-batches-py"


def data_folder() -> Path:
    """The folder's absolute path; it need not exist yet.

    ONESHOT_HPO_DATA if that is set and not empty, else this platform's folder for a user's data.
    """
    chosen = os.environ.get(VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    return platformdirs.user_data_path("oneshot-hpo", appauthor=False)
