"""The environment of the processes that this project starts: the one place that decides it.

A user's variables may mean other work: SLURM's and Dask's are options for their commands, Python's
change what every interpreter does. Children get none of those, and never import from the folder
that they happen to be started in.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

SAFE_PATH = "PYTHONSAFEPATH"
"""Set: Python does not put the working directory on the path of a program that it starts."""

_SLURM_INPUTS = (
    *("SBATCH_", "SALLOC_", "SRUN_", "SLURM_"),
    *("SQUEUE_", "SCANCEL_", "SINFO_", "SACCT_"),
)
_SLURM_KEPT = ("SLURM_CONF",)

_PYTHON_KEPT = (
    *("PYTHONPATH", SAFE_PATH, "PYTHONHOME", "PYTHONPLATLIBDIR", "PYTHONUSERBASE"),
    *("PYTHONNOUSERSITE", "PYTHONHASHSEED", "PYTHONDONTWRITEBYTECODE", "PYTHONPYCACHEPREFIX"),
    *("PYTHONUTF8", "PYTHONUNBUFFERED", "PYTHONFAULTHANDLER"),
)
"""Python's variables that change neither what a program does nor what its warnings mean."""

FIGURE_VARIABLES = ("MPLBACKEND",)
"""Figures are only ever written to files; a backend that is not there ends matplotlib's import."""


def without_python_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without Python's variables that may stop a program or change what it does.

    PYTHONPATH stays; an empty part of it, which means the working directory, does not.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("PYTHON") or name in _PYTHON_KEPT
    }
    path = os.pathsep.join(filter(None, kept.pop("PYTHONPATH", "").split(os.pathsep)))
    return kept | ({"PYTHONPATH": path} if path else {})


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without Python's, Dask's and matplotlib's variables for other work."""
    return {
        name: value
        for name, value in without_python_variables(environment).items()
        if not name.startswith("DASK_") and name not in FIGURE_VARIABLES
    }


def for_slurm(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of SLURM's commands, and so of the jobs that they submit."""
    return {
        name: value
        for name, value in clean(environment).items()
        if not name.startswith(_SLURM_INPUTS) or name in _SLURM_KEPT
    }


@contextlib.contextmanager
def child_environment(temporary: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """What this process starts in here gets a clean environment, these variables and this folder.

    temporary: where the children, and this process meanwhile, keep temporary files. The
    environment of this process is the children's until then, and is put back at the end.
    """
    import tempfile  # it imports much, which this module is to be imported before

    before, folder = dict(os.environ), tempfile.tempdir
    own = {SAFE_PATH: "1", "TMPDIR": str(temporary)}
    replace(clean(before) | own | dict(variables))
    tempfile.tempdir = str(temporary)
    try:
        yield
    finally:
        replace(before)
        tempfile.tempdir = folder


def replace(environment: Mapping[str, str]) -> None:
    """Make this the environment of this process."""
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    for name, value in environment.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
