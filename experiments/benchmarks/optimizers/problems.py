"""All problems by name, and where their tables come from."""

from __future__ import annotations

import functools
import os
from collections.abc import Mapping
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.optimizers.architectures import (
    architecture_problem,
    nasbench101_file,
    nasbench201_file,
)
from oneshot_hpo.experiments.benchmarks.optimizers.problem import Problem
from oneshot_hpo.experiments.benchmarks.optimizers.searches import (
    SHIPPED,
    SPACES,
    searches_problem,
)
from oneshot_hpo.experiments.benchmarks.optimizers.taskset import task_names, taskset_problem
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import SpaceId, Table, load_table
from oneshot_hpo.search_spaces.table_file import table_path

VARIABLE = "ONESHOT_HPO_TEST_DATA"
_CSV, _COMPLETED = "nasbench201/nasbench201.csv.gz", "nasbench101/nb101_completed.npz"

_ARCHITECTURES: Mapping[str, tuple[str, str | None, SpaceId]] = {
    "nasbench201:cifar10": ("nasbench201", "cifar10", "nasbench201"),
    "nasbench201:cifar100": ("nasbench201", "cifar100", "nasbench201"),
    "nasbench201:imagenet16": ("nasbench201", "imagenet16", "nasbench201"),
    "nasbench101:1": ("nasbench101", None, 1),
    "nasbench101:3": ("nasbench101", None, 3),
    "digits": ("digits", None, 1),
}
"""By problem, a table, a data set of it, and a space."""

_IMDB = "taskset:FixedTextRNNClassification_imdb_patch"
FOR_PEERS = (
    f"{_IMDB}128_LSTM128_bs64",
    f"{_IMDB}32_GRU64_avg_bs128",
    f"{_IMDB}32_VRNN64_relu_avg_bs128",
    "nasbench201:cifar100",
    "nasbench201:imagenet16",
    "nasbench101:1",
    "nasbench101:3",
    "digits",
    "searches:cs3",
)
"""The nine problems on which other libraries run."""


def default_data() -> Path | None:
    """The folder that the environment names."""
    named = os.environ.get(VARIABLE)
    return Path(named) if named else None


def problem_names(data: Path | None, searches: Path = SHIPPED) -> list[str]:
    """All problems whose tables are there: those of TaskSet, of architectures, of searches.

    data: a folder with `taskset`, `nasbench201` and `nasbench101`; None, or without one of the
    latter two: the table that `oneshot-hpo data import` made, if there is one.
    """
    tasks = [] if data is None else task_names(data / "taskset")
    names = [f"taskset:{task}" for task in tasks]
    names += [name for name, (table, *_) in _ARCHITECTURES.items() if _is_there(table, data)]
    return names + ([f"searches:{space}" for space in SPACES] if searches.exists() else [])


def half(names: list[str], number: int) -> list[str]:
    """Every other problem of each family: 0 to choose settings on, 1 to confirm them.

    A family that comes later, or not at all, moves no other problem.
    """
    families: dict[str, list[str]] = {}
    for name in sorted(names):
        families.setdefault(name.partition(":")[0], []).append(name)
    return [name for family in families.values() for name in family[number::2]]


def has_known_default(name: str) -> bool:
    """Whether a problem's default configuration is somebody's choice."""
    return name not in _ARCHITECTURES


@functools.cache
def load_problem(name: str, data: Path | None, searches: Path = SHIPPED) -> Problem:
    """A problem. UserError: its table is not there, or cannot be used; TableError."""
    family, _, rest = name.partition(":")
    if family == "taskset" and data is not None:
        return taskset_problem(data / "taskset", rest)
    if family == "searches" and rest in SPACES:
        return searches_problem(searches, rest)
    if name not in _ARCHITECTURES:
        raise UserError(
            f"no problem {name!r}: there are {', '.join(problem_names(data, searches))}; more with "
            f"a folder of tables, by --data or {VARIABLE}"
        )
    table, dataset, space = _ARCHITECTURES[name]
    opened = _table(table, data)
    return architecture_problem(name, opened if dataset is None else opened.on(dataset), space)


@functools.lru_cache(maxsize=1)  # problems of one table follow each other
def _table(name: str, data: Path | None) -> Table:
    source = _source(name, data)
    if source is None:
        return load_table(name)
    return nasbench201_file(source) if name == "nasbench201" else nasbench101_file(source)


def _source(table: str, data: Path | None) -> Path | None:
    """The file of a table in the folder; None: it has none."""
    files = {"nasbench201": _CSV, "nasbench101": _COMPLETED}
    path = None if data is None or table not in files else data / files[table]
    return path if path is not None and path.is_file() else None


def _is_there(name: str, data: Path | None) -> bool:
    return _source(name, data) is not None or table_path(name).exists()
