"""The architectures that are analysed: of a search space, or all of a table."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import EnumerableSpace, SpaceId, Table, TrainedCells, enumerable
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS
from oneshot_hpo.search_spaces.nasbench101.graphs import isomorphism_keys, unpack
from oneshot_hpo.search_spaces.registry import get_space
from oneshot_hpo.search_spaces.seed_noise import seed_noise
from oneshot_hpo.search_spaces.space import tag_of


@dataclass(frozen=True, eq=False)
class Population(ABC):
    """N cells after the table's largest budget. Errors are shares in [0, 1]."""

    table: str
    """Name of the table, for people."""
    key: str
    """Name of these cells in file names: "space1", "all"."""
    name: str
    """And people: "cells of space 1", "all cells"."""
    operations: tuple[str, ...]
    """Names of the operations, whose places here are their codes."""
    repeats: np.ndarray
    """Test errors of single trainings, float (N, R)."""
    errors: np.ndarray
    """Mean test errors, float (N,)."""

    def __len__(self) -> int:
        return len(self.errors)

    @property
    @abstractmethod
    def labels(self) -> np.ndarray:
        """The operation at each place of a cell, int (N, P): codes, negative for none."""

    @abstractmethod
    def replaced(self, place: int, one: int, other: int) -> tuple[np.ndarray, np.ndarray]:
        """Cells with operation `one` at a place, and what each is with `other` there: int (M,).

        Those of which the other cell is not in the population are left out.
        """

    @cached_property
    def counts(self) -> np.ndarray:
        """How often each operation occurs in a cell, int (N, operations)."""
        return np.stack([(self.labels == code).sum(1) for code in range(len(self.operations))], 1)

    @cached_property
    def difference_noise(self) -> float | None:
        """The standard error of the difference of two good cells' means; None: not known."""
        noise = seed_noise(self.repeats, self.errors)
        return None if noise is None else float(noise * np.sqrt(2 / self.repeats.shape[1]))

    def best(self, share: float) -> np.ndarray:
        """The cells with the lowest errors, one at least: bool (N,). share: of all, in [0, 1]."""
        count = max(1, round(share * len(self)))
        chosen = np.zeros(len(self), bool)
        chosen[np.argsort(self.errors, kind="stable")[:count]] = True
        return chosen


@dataclass(frozen=True, eq=False)
class GraphPopulation(Population):
    """Cells of NAS-Bench-101."""

    graphs: np.ndarray
    """The pruned cells, uint32 (N,), as `search_spaces.nasbench101.graphs.pack` writes them."""

    @cached_property
    def unpacked(self) -> tuple[np.ndarray, np.ndarray]:
        """Adjacency bool (N, 7, 7) and labels int8 (N, 7); see `nasbench101.graphs`."""
        return unpack(self.graphs)

    @property
    def labels(self) -> np.ndarray:
        """The operation of each vertex between input and output."""
        return self.unpacked[1][:, 1:-1]

    def replaced(self, place: int, one: int, other: int) -> tuple[np.ndarray, np.ndarray]:
        """The isomorphic cell, wherever it is in the population."""
        adjacency, labels = self.unpacked
        cells = np.flatnonzero(labels[:, place + 1] == one)
        changed = labels[cells]
        changed[:, place + 1] = other
        wanted = isomorphism_keys(adjacency[cells], changed)
        order, ordered = self._by_key
        places = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
        there = ordered[places] == wanted
        return cells[there], order[places[there]]

    @cached_property
    def _by_key(self) -> tuple[np.ndarray, np.ndarray]:
        keys = isomorphism_keys(*self.unpacked)
        order = np.argsort(keys)
        return order, keys[order]


@dataclass(frozen=True, eq=False)
class EntryPopulation(Population):
    """The entries of a space in a table, by their first configurations."""

    space: EnumerableSpace
    of_configuration: np.ndarray
    """The entry of every configuration, int (C,)."""
    first: np.ndarray
    """The first configuration of every entry, int (N,)."""

    @cached_property
    def labels(self) -> np.ndarray:
        """What each choice of an operation computes."""
        return self.space.used_operations(self.first)

    def replaced(self, place: int, one: int, other: int) -> tuple[np.ndarray, np.ndarray]:
        """The entry with another way of one choice."""
        choice = self.space.choices[self.space.operation_choices[place]]
        ways = {choice.text(way): number for number, way in enumerate(choice.ways)}
        names = self.operations
        cells = np.flatnonzero(self.labels[:, place] == one)
        if names[other] not in ways:
            return cells[:0], cells[:0]
        digits = self.space.digits(self.first[cells])
        digits[:, self.space.operation_choices[place]] = ways[names[other]]
        radices = tuple(len(one.ways) for one in self.space.choices)
        changed = np.ravel_multi_index(tuple(digits.T), radices)
        return cells, self.of_configuration[changed]


def of_space(table: Table, space: SpaceId) -> Population:
    """The entries of a search space. Raises MissingCell."""
    searched = enumerable(get_space(space))
    rows = table.entries(searched)
    key, name = tag_of(searched.id), f"cells of {searched.title}"
    if isinstance(table, TrainedCells):
        return _of_rows(table, key, name, rows)
    return EntryPopulation(
        table=table.name if len(table.datasets) < 2 else f"{table.name} on {table.dataset}",
        key=key,
        name=name,
        operations=searched.operations,
        repeats=table.errors("test", rows),
        errors=table.mean_errors("test", rows),
        space=searched,
        of_configuration=table.entry_of(searched),
        first=table.first_configurations(searched),
    )


def of_table(table: Table) -> Population:
    """Every cell that a table holds. UserError: the table is of one space alone."""
    if not isinstance(table, TrainedCells):
        raise UserError(f"--all: the table of {table.name} has no cells outside its space")
    return _of_rows(table, "all", "all cells", np.arange(len(table)))


def _of_rows(table: TrainedCells, key: str, name: str, rows: np.ndarray) -> Population:
    return GraphPopulation(
        table=table.name,
        key=key,
        name=name,
        operations=OPERATIONS,
        graphs=table.graphs[rows],
        repeats=table.test_errors(rows),
        errors=table.mean_errors("test", rows),
    )
