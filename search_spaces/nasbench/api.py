"""Query NAS-Bench-101 as with google-research/nasbench (api.py there), without TensorFlow.

    from oneshot_hpo.search_spaces.nasbench import api

    nasbench = api.NASBench()
    spec = api.ModelSpec(
        matrix=[[0, 1, 1], [0, 0, 1], [0, 0, 0]], ops=["input", "conv3x3-bn-relu", "output"]
    )
    data = nasbench.query(spec)

Left out: `evaluate`, which trains a module with TensorFlow.
"""

from __future__ import annotations

import random
import shlex
import sys
from collections.abc import KeysView
from os import PathLike
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from oneshot_hpo.search_spaces.data_folder import NoDataFolder
from oneshot_hpo.search_spaces.errors import SpaceError
from oneshot_hpo.search_spaces.nasbench.config import build_config
from oneshot_hpo.search_spaces.nasbench.deep_copy import deep_copy
from oneshot_hpo.search_spaces.nasbench.lazy_dict import LazyDict
from oneshot_hpo.search_spaces.nasbench.model_spec import ModelSpec
from oneshot_hpo.search_spaces.nasbench.statistics import (
    FIXED,
    MEASURED,
    ComputedStatistics,
    FixedStatistics,
    TableRows,
)
from oneshot_hpo.search_spaces.nasbench101.cell import INPUT, OUTPUT
from oneshot_hpo.search_spaces.nasbench101.official_file import import_tfrecord
from oneshot_hpo.search_spaces.nasbench101.trained_cells import TrainedCells
from oneshot_hpo.search_spaces.table import SPLITS, Table, TableError
from oneshot_hpo.search_spaces.table_file import load_table

__all__ = ["ModelSpec", "NASBench", "OutOfDomainError"]

Statistics = TypeVar("Statistics")


class OutOfDomainError(SpaceError):
    """A spec or a number of epochs outside NAS-Bench-101; the message says why.

    Not a ValueError, as in the original: clients distinguish the two.
    """


class NASBench:
    """NAS-Bench-101, with counters of the cost of its queries.

    config: module_vertices, max_edges, available_ops, num_repeats, and the other settings of the
        original, which nothing here reads.
    valid_epochs: the epochs that can be queried.
    fixed_statistics: the first result of `get_metrics_from_hash`, by module hash.
    computed_statistics: its second result, by module hash. Both may be changed: an entry is made
        when it is first read, is then kept, and is used by all methods.
    training_time_spent, total_epochs_spent: seconds and epochs of the queries so far.
    history: an empty dictionary for the user.
    table: the table behind all this, for queries of many cells at once.
    """

    def __init__(self, dataset_file: str | PathLike[str] | None = None, seed: int | None = None):
        """Open the data.

        dataset_file: None for the NAS-Bench-101 in the data folder, a table (.npz), or one of
            the official TFRecord files. The last one is read from the data folder if it was
            imported there (`oneshot-hpo data import`), else into memory, which takes minutes.
        seed: of the draws of `query`, which equal those of the original with this seed; the
            object has its own generator then. None: it draws from the module `random`, so that a
            client's `random.seed` decides. Unlike the original, which seeds it, opening leaves
            that generator alone.

        Raises TableError for data that cannot be read.
        """
        self.table = _load(dataset_file)
        self.config = build_config() | {"num_repeats": self.table.repeats}
        self.valid_epochs = set(self.table.budgets)
        rows = TableRows(self.table)
        self.fixed_statistics: dict[str, FixedStatistics] = LazyDict(rows, rows.fixed)
        self.computed_statistics: dict[str, ComputedStatistics] = LazyDict(rows, rows.computed)
        self.history: dict[Any, Any] = {}
        self.training_time_spent = 0.0
        self.total_epochs_spent = 0
        self._random = None if seed is None else random.Random(seed)

    def query(
        self, model_spec: ModelSpec, epochs: int = 108, stop_halfway: bool = False
    ) -> dict[str, Any]:
        """Draw one of the trainings of a module, and add its cost to the budget counters.

        Returns module_adjacency (int8, W x W), module_operations, trainable_parameters,
        training_time in seconds, and train_accuracy, validation_accuracy and test_accuracy as
        fractions: after `epochs`, or after half of them with `stop_halfway`.

        Raises OutOfDomainError for a spec or epochs outside the benchmark, KeyError for a module
        that the table lacks.
        """
        if epochs not in self.valid_epochs:
            raise OutOfDomainError(
                f"no trainings of {epochs} epochs, only of {sorted(self.valid_epochs)}"
            )

        fixed, computed = self.get_metrics_from_spec(model_spec)
        # Like the original, which looks the module up before it draws.
        drawn = (self._random or random).randint(0, self.config["num_repeats"] - 1)
        repeat = computed[epochs][drawn]

        point = "halfway" if stop_halfway else "final"
        measured = {name: repeat[f"{point}_{name}"] for name in MEASURED}
        data = {name: fixed[name] for name in FIXED} | measured

        self.training_time_spent += data["training_time"]
        self.total_epochs_spent += epochs // 2 if stop_halfway else epochs
        return data

    def is_valid(self, model_spec: ModelSpec) -> bool:
        """Whether a spec lies within NAS-Bench-101. Costs nothing."""
        try:
            self._check_spec(model_spec)
        except OutOfDomainError:
            return False
        return True

    def get_budget_counters(self) -> tuple[float, int]:
        """Seconds and epochs of the queries since the start or the last reset."""
        return self.training_time_spent, self.total_epochs_spent

    def reset_budget_counters(self) -> None:
        """Set both counters to 0."""
        self.training_time_spent = 0.0
        self.total_epochs_spent = 0

    def hash_iterator(self) -> KeysView[str]:
        """The hashes of all modules, ascending as in the official files."""
        return self.fixed_statistics.keys()

    def get_metrics_from_hash(self, module_hash: str) -> tuple[FixedStatistics, ComputedStatistics]:
        """All statistics of a module. It adds no cost: for analyses, not for benchmarks.

        Returns the fixed statistics (module_adjacency, module_operations,
        trainable_parameters) and the computed ones: by epochs, one dictionary per repeat with
        training_time, train_accuracy, validation_accuracy and test_accuracy, each as halfway_...
        and final_... They are the caller's own.

        Raises KeyError for an unknown hash.
        """
        return _own(self.fixed_statistics, module_hash), _own(self.computed_statistics, module_hash)

    def get_metrics_from_spec(
        self, model_spec: ModelSpec
    ) -> tuple[FixedStatistics, ComputedStatistics]:
        """`get_metrics_from_hash` of a spec.

        Raises OutOfDomainError for a spec outside the benchmark, KeyError for a module that the
        table lacks.
        """
        self._check_spec(model_spec)
        return self.get_metrics_from_hash(self._hash_spec(model_spec))

    def _hash_spec(self, model_spec: ModelSpec) -> str:
        """The module hash of a spec. Clients of the original call it, though it is private."""
        return model_spec.hash_spec(self.config["available_ops"])

    def _check_spec(self, spec: ModelSpec) -> None:
        if not spec.valid_spec or spec.matrix is None or spec.ops is None:
            raise OutOfDomainError("no path leads from the module's input to its output")
        vertices, edges = len(spec.ops), int(np.sum(spec.matrix))
        if vertices > self.config["module_vertices"]:
            raise OutOfDomainError(
                f"{vertices} vertices after pruning, at most {self.config['module_vertices']} "
                "are in the benchmark"
            )
        if edges > self.config["max_edges"]:
            raise OutOfDomainError(
                f"{edges} edges after pruning, at most {self.config['max_edges']} "
                "are in the benchmark"
            )
        if spec.ops[0] != INPUT or spec.ops[-1] != OUTPUT:
            raise OutOfDomainError(
                f"the first operation is {INPUT!r} and the last one {OUTPUT!r}, "
                f"not {spec.ops[0]!r} and {spec.ops[-1]!r}"
            )
        for operation in spec.ops[1:-1]:
            if operation not in self.config["available_ops"]:
                raise OutOfDomainError(
                    f"operation {operation!r} is none of {', '.join(self.config['available_ops'])}"
                )


def _own(statistics: dict[str, Statistics], module_hash: str) -> Statistics:
    """The statistics of a module, the caller's own; KeyError for an unknown hash."""
    if isinstance(statistics, LazyDict):
        return statistics.fresh(module_hash)
    return deep_copy(statistics[module_hash])  # the client has replaced the dictionary


def _load(dataset_file: str | PathLike[str] | None) -> TrainedCells:
    table: Table
    if dataset_file is None:
        table = load_table("nasbench101")
    elif (path := Path(dataset_file)).suffix == ".npz":
        table = load_table(path)
    else:
        table = load_table("nasbench101") if _is_imported(path) else _import(path)
    if not isinstance(table, TrainedCells) or not _is_complete(table):
        raise TableError(
            f"the table of {table.name} is not one of NAS-Bench-101: it lacks train accuracies or "
            "values from halfway through the trainings"
        )
    return table


def _is_complete(table: TrainedCells) -> bool:
    """Whether a table has everything that the official files record."""
    if table.halfway is None:
        return False
    return set(SPLITS) <= set(table.halfway.hits) & set(table.final.hits)


def _is_imported(path: Path) -> bool:
    """Whether the data folder's table was made from this very file: by size and time of change."""
    try:
        source = load_table("nasbench101").provenance.get("source", {})
        status = path.stat()
    except (TableError, NoDataFolder, OSError):
        return False
    return (source.get("bytes"), source.get("modified")) == (status.st_size, status.st_mtime_ns)


def _import(path: Path) -> TrainedCells:
    print(
        f"reading {path}, which takes minutes if it is the whole file; "
        f"after `oneshot-hpo data import {shlex.quote(str(path))}` it takes none",
        file=sys.stderr,
    )
    try:
        return import_tfrecord(path, lambda done, size: None)
    except OSError as error:
        raise TableError(f"{path}: {error.strerror}") from None
