"""Cells drawn from a space, with their errors and sizes in the table."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.analyze.ranks import MOST_CELLS
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import EnumerableSpace, Table

Array = NDArray[np.float64]

ALL = "all"


@dataclass(frozen=True, eq=False)
class Sample:
    """n cells, each by one of its configurations."""

    configurations: NDArray[np.int64]
    """(n,) by number, ascending."""
    test_errors: Array
    """(n,) of the table, mean over the repeats, in [0, 1]."""
    parameters: Array
    """(n,) trainable, of the cell's network in the table; NaN where it does not say."""

    def __len__(self) -> int:
        return len(self.configurations)

    def part(self, rows: NDArray[np.int64]) -> Sample:
        """Some of the cells."""
        return Sample(self.configurations[rows], self.test_errors[rows], self.parameters[rows])


def cell_count(text: str, cells: int) -> int:
    """How many of a space's cells `text` means: a number, or "all". UserError: neither."""
    if text == ALL:
        if cells > MOST_CELLS:
            raise UserError(f"--cells {ALL}: {cells} cells are too many; give up to {MOST_CELLS}")
        return cells
    if not text.isdecimal() or not 10 <= int(text) <= MOST_CELLS:
        raise UserError(f"--cells must be a number from 10 to {MOST_CELLS}, or {ALL}, not {text!r}")
    return min(int(text), cells)


def mean_test_errors(table: Table, space: EnumerableSpace) -> Array:
    """Mean test errors of all entries of a space, (E,). MissingCell: the table lacks one."""
    return table.mean_errors("test", table.entries(space))


def sample_cells(
    table: Table,
    space: EnumerableSpace,
    count: int,
    rng: np.random.Generator,
    among: NDArray[np.int64] | None = None,
) -> Sample:
    """Draw a table's entries without replacement, each by one of its configurations.

    among: entries, int (K,); None: all of the space.
    """
    of_cell = table.entry_of(space)
    cells = np.arange(of_cell.max() + 1) if among is None else among
    cells = rng.choice(cells, min(count, len(cells)), replace=False)
    shuffled = rng.permutation(len(of_cell))
    # The first configuration of each cell in a random order.
    _, first = np.unique(of_cell[shuffled], return_index=True)
    return sample_of(table, space, shuffled[first][cells])


def shared_sample(
    table: Table, space: EnumerableSpace, cells: str, seed: int, *, among: int | None = None
) -> Sample:
    """Draw cells that are equal in every analysis with this seed, so that analyses share scores.

    cells: as for `cell_count`. among: draw from so many of the space's cells, those with the lowest
    mean test errors; None: from all.
    """
    rng = np.random.default_rng([seed, space.entropy])
    count = cell_count(cells, len(table.entries(space)))
    best = None
    if among is not None:
        best = np.argsort(mean_test_errors(table, space), kind="stable")[:among]
    return sample_cells(table, space, count, rng, best)


def sample_of(table: Table, space: EnumerableSpace, configurations: NDArray[np.int64]) -> Sample:
    """The cells of given configurations, ascending, each once."""
    configurations = np.unique(configurations)
    rows = table.entries(space)[table.entry_of(space)[configurations]]
    parameters = table.parameters_of(rows)
    if parameters is None:
        parameters = np.full(len(rows), np.nan)
    return Sample(configurations, table.mean_errors("test", rows), parameters)


def grouped_configurations(
    space: EnumerableSpace, count: int, rng: np.random.Generator
) -> dict[tuple[int, str], NDArray[np.int64]]:
    """For each choice of an operation, from 1, and each operation, `count` configurations with it.

    Of those where it is on a path to the output, drawn uniformly, without replacement; a loose end
    counts as no operation.
    """
    operations = space.used_operations(np.arange(space.num_configurations))
    groups = {}
    for block, (place, name) in itertools.product(
        range(1, operations.shape[1] + 1), enumerate(space.operations)
    ):
        having = np.flatnonzero(operations[:, block - 1] == place)
        if not len(having):
            continue
        groups[block, name] = np.sort(rng.choice(having, min(count, len(having)), replace=False))
    return groups
