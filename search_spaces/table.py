"""The base class of tables of trained architectures, and the types of their values."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import Architecture
from oneshot_hpo.search_spaces.errors import SpaceError
from oneshot_hpo.search_spaces.seed_noise import seed_noise
from oneshot_hpo.search_spaces.space import SearchSpace, enumerable

SPLITS = ("train", "valid", "test")
"""The sets of images on which a trained architecture may have been measured."""

SINGLE_PRECISION = 5e-7
"""Mean errors, regrets and differences that are closer than this count as equal.

Earlier versions averaged shares in single precision, whose rounding is smaller; different sums of
hits differ by more, up to a million images over all repeats."""

CIFAR10 = "cifar10"
DATASET_CHECKSUM = "dataset_sha256"
"""A key of a table's provenance."""

ERROR, SCORE, LOSS, COST, PROXY = "error", "score", "loss", "cost", "proxy"
"""Kinds of metrics: a share of wrong answers; a share where 1 is best (an accuracy, SSIM); a loss
of any size; the cost of a network (seconds, parameters); a score computed without training."""


class TableError(SpaceError, ValueError):
    """A table that cannot be read; the message says why and what to do."""


class MissingCell(SpaceError, ValueError):
    """A cell, budget or metric that a table does not have; the message names it."""


class Origin(IntEnum):
    """Where a value comes from: single runs, a published mean of runs, a model, or another recorded
    value (the time of 12 epochs from that of 200)."""

    REAL = 0
    MEAN = 1
    IMPUTED = 2
    DERIVED = 3


@dataclass(frozen=True)
class Metric:
    """A quantity measured on trained architectures.

    unit: "" for shares and counts, else "s", "M", ...
    kind: ERROR, SCORE, LOSS, COST or PROXY.
    """

    unit: str = ""
    higher_is_better: bool = False
    kind: str = ERROR

    def to_minimise(self, values: np.ndarray) -> np.ndarray:
        """Values of this metric, converted so that lower is better: 1 minus a score."""
        if not self.higher_is_better:
            return values
        return 1 - values if self.kind == SCORE else -values


@dataclass(frozen=True)
class Best:
    """The lowest mean errors of a space at one budget, each over all its architectures."""

    valid_error: float
    test_error: float


@dataclass(frozen=True)
class Record:
    """All values of a row at one budget.

    values: by metric, float (R,), NaN where a repeat is absent. origins: by metric.
    """

    key: str
    budget: int
    values: Mapping[str, np.ndarray]
    origins: Mapping[str, Origin]


@dataclass(frozen=True, eq=False)
class Runs:
    """The recorded results of all trainings at one point in time.

    hits: by split, uint16 (U, B, R), correctly classified images of each repeat.
    seconds: float32 (U, B, R), training time up to this point.
    """

    hits: Mapping[str, np.ndarray]
    seconds: np.ndarray


class Table(ABC):
    """Trained architectures of one family of spaces, one per row.

    family: of the search spaces, as `SearchSpace.family`.
    budgets: the epochs of training, ascending; each budget is a training of its own.
    provenance: how the table was made (name, data set, settings, versions, ...).

    The entries of a space are the rows of its configurations: one row for all isomorphic ones if
    the benchmark trained a cell once, one row each if it trained all.
    """

    family: str
    budgets: tuple[int, ...]
    provenance: Mapping[str, Any]

    @abstractmethod
    def __len__(self) -> int:
        """Number of rows."""

    @property
    @abstractmethod
    def metrics(self) -> Mapping[str, Metric]:
        """The metrics by name; errors are train_error, valid_error and test_error."""

    @abstractmethod
    def values(self, metric: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """All repeats, float (N, R), or (R,) of one row; NaN where a repeat is absent.

        budget: None for the largest. Shares are in [0, 1]. Raises MissingCell for a
        metric or budget that the table lacks.
        """

    @abstractmethod
    def key(self, row: int) -> str:
        """The key of a row, equal for isomorphic architectures (`SearchSpace.key`)."""

    @abstractmethod
    def entries(self, space: SearchSpace) -> np.ndarray:
        """The rows of a space's entries, int (E,). Raises MissingCell if one is absent."""

    @abstractmethod
    def entry_of(self, space: SearchSpace) -> np.ndarray:
        """The place in `entries` of every configuration of a space, int (C,)."""

    def stored(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """The document and the arrays of its file (see `table_file`).

        Raises TableError for a table that has no such form.
        """
        raise TableError(f"the table of {self.name} cannot be written to a file")

    @property
    def name(self) -> str:
        """The table's name in messages."""
        return str(self.provenance["name"])

    @property
    def dataset(self) -> str | None:
        """The name of the data set of these values; None: the table does not name it.

        NAS-Bench-101's CIFAR-10 gets this project's name, cifar10.
        """
        name = self.provenance.get("dataset")
        return CIFAR10 if name == "CIFAR-10" else name if isinstance(name, str) else None

    @property
    def datasets(self) -> tuple[str, ...]:
        """All data sets of the file; a table is opened for one of them."""
        return () if self.dataset is None else (self.dataset,)

    def on(self, dataset: str) -> Table:
        """This table, opened for one of its data sets. Raises TableError."""
        if dataset == self.dataset:
            return self
        known = ", ".join(self.datasets) or "none that it names"
        raise TableError(f"the table of {self.name} has data sets {known}, not {dataset!r}")

    @property
    def dataset_checksum(self) -> str | None:
        """SHA-256 of its images, `ImageSplits.scratch_checksum`; None: it is not recorded."""
        checksum = self.provenance.get(DATASET_CHECKSUM)
        return checksum if isinstance(checksum, str) else None

    @property
    def part(self) -> str | None:
        """How many cells of a space the table has, in words; None if all."""
        part = self.provenance.get("part")
        if not isinstance(part, dict):
            return None
        return f"a part, {part.get('cells')} of {part.get('of')} cells"

    def origin(self, metric: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """Where values come from, members of Origin, uint8 (N,) or a number for one row.

        All are real unless a table records otherwise.
        """
        return np.zeros(np.shape(rows), np.uint8)

    @property
    def test_split(self) -> str:
        """The split that serves as test: valid in a table without test values."""
        return "test"

    def main_metric(self, split: str) -> str:
        """The metric that ranks architectures on a set of images, one of SPLITS."""
        return f"{split}_error"

    def errors(self, split: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """The main metric of each repeat, float (N, R), converted so that lower is better.

        NaN where a repeat is absent. Raises MissingCell.
        """
        metric = self.main_metric(split)
        return self.metrics[metric].to_minimise(self.values(metric, rows, budget))

    def mean_errors(
        self, split: str, rows: np.ndarray | int, budget: int | None = None
    ) -> np.ndarray:
        """Means of the main metric over the repeats, float (N,), converted so that lower is better.

        An error is unchanged, a score s becomes 1 - s. Raises MissingCell.
        """
        metric = self.main_metric(split)
        values = self.values(metric, rows, budget)
        return self.metrics[metric].to_minimise(mean_of(values))

    def seconds(self, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """Training times, float (N, R), or (R,) of one row. Raises MissingCell."""
        return self.values("seconds", rows, budget)

    def entry(self, space: SearchSpace, architecture: Architecture) -> int:
        """The place in `entries` of one architecture; raises InvalidArchitecture."""
        self.check_space(space)
        return int(self.entry_of(space)[enumerable(space).configuration(architecture)])

    def first_configurations(self, space: SearchSpace) -> np.ndarray:
        """The lowest number of a configuration of each of a space's entries, int (E,)."""
        return np.unique(self.entry_of(space), return_index=True)[1]

    def parameters_of(self, rows: np.ndarray) -> np.ndarray | None:
        """Trainable parameters, float (N,); None: they are not recorded."""
        if "parameters" not in self.metrics:
            return None
        return self.values("parameters", rows)[:, 0]

    def row_of(self, space: SearchSpace, architecture: Architecture) -> int:
        """The row of one architecture of a space; raises MissingCell."""
        return int(self.entries(space)[self.entry(space, architecture)])

    def coverage(self, space: SearchSpace) -> int:
        """Number of a space's entries in the table; 0 for a space of another family."""
        return len(self.entries(space)) if space.family == self.family else 0

    def check_space(self, space: SearchSpace) -> None:
        """Raise MissingCell for a space of another family."""
        if space.family != self.family:
            raise MissingCell(
                f"the table of {self.name} is one of {self.family}, not of {space.title}"
            )

    def record(self, row: int, budget: int | None = None) -> Record:
        """All values of a row at a budget; None for the largest."""
        budget = self.budgets[self.column(budget)]
        values, origins = {}, {}
        for metric in self.metrics:
            try:
                values[metric] = self.values(metric, row, budget)
            except MissingCell:
                continue  # measured at other budgets
            origins[metric] = Origin(int(self.origin(metric, row, budget)))
        return Record(self.key(row), budget, values, origins)

    def best(self, space: SearchSpace, budget: int | None = None) -> Best:
        """The lowest mean validation and the lowest mean test error in the complete space."""
        rows = self.entries(space)
        return Best(
            valid_error=float(self.mean_errors("valid", rows, budget).min()),
            test_error=float(self.mean_errors("test", rows, budget).min()),
        )

    def percentile(
        self, space: SearchSpace, architecture: Architecture, budget: int | None = None
    ) -> float:
        """Share of the space's entries with a higher mean test error, in percent.

        The best of U cells has 100 (U - 1) / U, as it is not better than itself.
        """
        errors = self.mean_errors("test", self.entries(space), budget)
        return float((errors > errors[self.entry(space, architecture)]).mean() * 100)

    def percent_equal(self, space: SearchSpace, architecture: Architecture) -> float:
        """Share of the space's entries with the same mean test error, in percent; its own too."""
        errors = self.mean_errors("test", self.entries(space))
        return float((errors == errors[self.entry(space, architecture)]).mean() * 100)

    def rests_on_imputed(self, space: SearchSpace, row: int, budget: int | None = None) -> bool:
        """Whether the errors of a row, or the lowest of its space, are imputed."""
        rows = self.entries(space)
        for split in ("valid", "test"):
            origins = self.origin(self.main_metric(split), rows, budget)
            if not (origins == Origin.IMPUTED).any():
                continue
            best = rows[self.mean_errors(split, rows, budget).argmin()]
            both = self.origin(self.main_metric(split), np.array([row, best]), budget)
            if (both == Origin.IMPUTED).any():
                return True
        return False

    def noise(self, split: str, rows: np.ndarray, budget: int | None = None) -> float | None:
        """The deviation of the main metric between repeats, among good rows (`seed_noise`)."""
        return seed_noise(self.errors(split, rows, budget), self.mean_errors(split, rows, budget))

    def noise_of(self, space: SearchSpace, split: str) -> float | None:
        """The same among good cells of a complete space, at the largest budget."""
        return self.noise(split, self.entries(space))

    def column(self, budget: int | None) -> int:
        """The place of a budget; None for the last. Raises MissingCell."""
        if budget is None:
            return len(self.budgets) - 1
        if budget not in self.budgets:
            known = ", ".join(map(str, self.budgets))
            raise MissingCell(f"the table of {self.name} has budgets {known}, not {budget}")
        return self.budgets.index(budget)


def mean_of(values: np.ndarray) -> np.ndarray:
    """Means over the recorded repeats, float (N,) of (N, R); NaN if there are none."""
    absent = np.isnan(values)
    if not absent.any():
        plain: np.ndarray = values.mean(-1)
        return plain
    with np.errstate(invalid="ignore"):
        mean: np.ndarray = np.where(absent, 0.0, values).sum(-1) / (~absent).sum(-1)
    return mean
