"""Problems of TaskSet (Metz et al. 2020): Adam with 8 hyperparameters on text classification.

A file is a JSON list of runs, as DPL publishes them: `hp` and the validation loss at 51 points of
training, the first before any step. Points where a run had diverged are NaN.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace, Float

from oneshot_hpo.experiments.benchmarks.optimizers.problem import NearestRow, Problem
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.hpo.bohb.encoding import Encoding

FIDELITIES = (2, 6, 17, 50)
"""Points of training, of 50; eta is 3."""
SUFFIX = ".json.gz"

_RANGES = {
    "learning_rate": (1e-8, 10, 1e-3),
    "one_minus_beta1": (1e-4, 1, 0.1),
    "one_minus_beta2": (1e-6, 1, 1e-3),
    "epsilon": (1e-10, 1e3, 1e-8),
    "l1": (1e-8, 10, 1e-8),
    "l2": (1e-8, 10, 1e-8),
    "linear_decay": (1e-7, 1e-4, 1e-7),
    "exponential_decay": (1e-6, 1e-3, 1e-6),
}
"""Of the sampled runs, and as defaults those of Adam's authors, with as little regularisation and
decay as there is."""


def task_names(folder: Path) -> list[str]:
    """The tasks of a folder, without what their names share; empty if there is none."""
    return sorted(path.name.removesuffix(SUFFIX) for path in folder.glob(f"*{SUFFIX}"))


def taskset_problem(folder: Path, task: str) -> Problem:
    """The problem of one task. UserError: the file is missing, or is none of TaskSet."""
    path = folder / f"{task}{SUFFIX}"
    try:
        with gzip.open(path, "rt") as file:
            runs = json.load(file)
        configs = [_config(run["hp"]) for run in runs]
        curves = np.array([run["valid"]["loss"] for run in runs], float)
        losses = curves[:, FIDELITIES]
        space = taskset_space()
        find_row = NearestRow(Encoding(space), configs)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError, IndexError, EOFError) as error:
        raise UserError(f"{path}: not a task of TaskSet ({error})") from None

    return Problem(
        name=f"taskset:{task}",
        space=space,
        fidelities=FIDELITIES,
        eta=3,
        find_row=find_row,
        losses=np.where(np.isnan(losses), np.inf, losses)[:, :, None],
        costs=np.tile(np.array(FIDELITIES) / FIDELITIES[-1], (len(runs), 1)),
        continues=True,
    )


def taskset_space() -> ConfigurationSpace:
    """The 8 hyperparameters, all logarithmic; of betas, what they are short of 1."""
    space = ConfigurationSpace(name="taskset")
    space.add(
        [
            Float(name, (float(low), float(high)), default=default, log=True)
            for name, (low, high, default) in _RANGES.items()
        ]
    )
    return space


def _config(recorded: dict[str, float]) -> dict[str, Any]:
    """A run's hyperparameters as a configuration."""
    values = recorded | {f"one_minus_{name}": 1 - recorded[name] for name in ("beta1", "beta2")}
    return {
        name: min(max(float(values[name]), low), high) for name, (low, high, _) in _RANGES.items()
    }
