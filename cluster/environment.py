"""The environment of all processes that this project starts.

A user's variables may be meant for other work: those of SLURM and Dask are options of their
commands, those of Python change every interpreter. Child processes get none of them, and never
import from their working directory.
"""

from __future__ import annotations

import contextlib
import json
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


_DROPPED = "ONESHOT_HPO_DROPPED"
"""Holds, as JSON, the variables that were dropped when this process started in place of another."""
_OURS = "ONESHOT_HPO_"
_SET_HERE = (
    *(SAFE_PATH, "TMPDIR", "PYTHONHASHSEED", "MALLOC_TRIM_THRESHOLD_", "__DASK_PARENT_PID"),
    "KMP_INIT_AT_FORK",
)
"""Variables that a worker's process has from this project, from Dask, or from what it imported."""
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
"""The number of threads with which a worker computes."""


def as_given() -> dict[str, str]:
    """The environment that the user gave to this process, outside of `child_environment`."""
    own = {name: value for name, value in os.environ.items() if name != _DROPPED}
    return own | json.loads(os.environ.get(_DROPPED, "{}"))


def with_dropped(environment: Mapping[str, str]) -> dict[str, str]:
    """An environment for a process in place of this one, which still knows what this one lacks."""
    given = as_given()
    dropped = {name: value for name, value in given.items() if environment.get(name) != value}
    return {**environment, _DROPPED: json.dumps(dropped)} if dropped else dict(environment)


def for_program(given: Mapping[str, str], here: Mapping[str, str]) -> dict[str, str]:
    """The environment of a user's program that runs on a worker.

    given: the environment in which the study was launched. here: the worker's. A variable counts as
    the worker has it where that is no mere copy of what was given: its GPU, what SLURM sets, what a
    prologue changed. Of the numbers of threads, the given one counts.
    """
    copied = clean(given)
    own = {
        name: value
        for name, value in here.items()
        if copied.get(name) != value and name not in _SET_HERE and not name.startswith(_OURS)
    }
    threads = {name: given[name] for name in THREAD_VARIABLES if name in given}
    return {**given, **own, **threads}


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
        if not name.startswith("DASK_") and name not in (*FIGURE_VARIABLES, _DROPPED)
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
