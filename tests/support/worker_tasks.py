"""Functions that workers in tests run; a worker imports this module."""

import importlib
import os
import sys
import time
from pathlib import Path

import distributed

from oneshot_hpo.cluster.stopping import TaskStopped, stop_asked
from oneshot_hpo.cluster.task import TaskFailed, TaskLost


def until_asked(seconds: float) -> str:
    """A task that stops on request, like a trial."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if stop_asked():
            raise TaskStopped("asked to stop")
        time.sleep(0.05)
    return "done"


def when(seconds: float) -> tuple[int, float, float]:
    """Sleep; returns the process and the times before and after."""
    begun = time.monotonic()
    time.sleep(seconds)
    return os.getpid(), begun, time.monotonic()


def beside_another(folder: str, variable: str) -> str:
    """A variable of the environment, once a second process runs this task at the same time."""
    (Path(folder) / str(os.getpid())).touch()
    while len(list(Path(folder).iterdir())) < 2:
        time.sleep(0.01)
    return os.environ[variable]


def begun(file: str, seconds: float) -> str:
    """`until_asked`, with a file that marks its start."""
    Path(file).touch()
    return until_asked(seconds)


def deaf(file: str, seconds: float) -> None:
    """Sleep without reacting to requests; a file marks its start."""
    Path(file).touch()
    time.sleep(seconds)


def stopped_at_once(task: object) -> None:
    """A trial whose worker always has to end."""
    raise TaskStopped("the time limit came at once")


def failing() -> None:
    """A task whose failure may be its worker's fault."""
    raise TaskFailed("RuntimeError: a device")


def given_up() -> None:
    """A task that cannot run where it is."""
    raise TaskLost("the GPU is taken")


def saved_when_asked(begun: str, saved: str, seconds: float) -> None:
    """`until_asked`, with files that mark its start and its end."""
    Path(begun).touch()
    try:
        until_asked(seconds)
    finally:
        Path(saved).touch()


def where() -> tuple[str, int]:
    """The worker's name and process."""
    return str(distributed.get_worker().name), os.getpid()


def imported() -> str:
    """The file of a module of the standard library that nothing has imported yet."""
    return str(importlib.import_module("colorsys").__file__)


def python_path() -> list[str]:
    """Where this process looks for modules."""
    return list(sys.path)


def optimizer_step() -> float:
    """The first step of every trial, in which torch creates its folders."""
    import torch

    weight = torch.ones(1, requires_grad=True)
    optimizer = torch.optim.SGD([weight], lr=0.5)
    weight.sum().backward()
    optimizer.step()
    return float(weight)
