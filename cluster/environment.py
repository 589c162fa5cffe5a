"""The environment of all processes that this project starts.

A user's variables may be meant for other work: those of SLURM and Dask are options of their
commands, those of Python change every interpreter. Child processes get none of them, and never
import from their working directory.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path

SAFE_PATH = "PYTHONSAFEPATH"
"""If set, Python does not add the working directory to its module path."""

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
"""Python's variables that change neither the behaviour of a program nor its warnings."""

FIGURE_VARIABLES = ("MPLBACKEND",)
"""Dropped: figures are only written to files, and a missing backend makes the import fail."""


def without_python_variables(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without the Python variables that may stop or change a program.

    PYTHONPATH is kept, without empty parts, which mean the working directory.
    """
    kept = {
        name: value
        for name, value in environment.items()
        if not name.startswith("PYTHON") or name in _PYTHON_KEPT
    }
    path = os.pathsep.join(filter(None, kept.pop("PYTHONPATH", "").split(os.pathsep)))
    return kept | ({"PYTHONPATH": path} if path else {})


def clean(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment without the variables of Python, Dask and matplotlib for other work."""
    return {
        name: value
        for name, value in without_python_variables(environment).items()
        if not name.startswith("DASK_") and name not in FIGURE_VARIABLES
    }


def for_slurm(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment of SLURM's commands, and therefore of the jobs that they submit."""
    return {
        name: value
        for name, value in clean(environment).items()
        if not name.startswith(_SLURM_INPUTS) or name in _SLURM_KEPT
    }


@contextlib.contextmanager
def child_environment(temporary: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """Within the context, child processes get a clean environment with these variables.

    temporary: folder for temporary files of the children, and of this process meanwhile. The
    environment of this process is the same within the context, and is restored at its end.
    """
    import tempfile  # it imports much, and this module has to be imported first

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
    """Replace the environment of this process."""
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    for name, value in environment.items():
        if os.environ.get(name) != value:
            os.environ[name] = value
