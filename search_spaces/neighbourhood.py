"""Finds cells that are one change apart, for one cell or for all of them at once.

One change picks another candidate in one choice (another operation, or one edge moved to another
source), as in `SearchSpace.neighbours`. All configurations of a cell count, also those with loose
ends, so its neighbours are the cells that any of them can become.

of_configuration: int (C,), the cell of every configuration, 0 to U - 1: the unique cells of a space
(`space.unique.of_configuration`), or the entries of a table (`Table.entry_of`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.search_spaces.choices import OPERATION
from oneshot_hpo.search_spaces.space import EnumerableSpace


@dataclass(frozen=True)
class Neighbour:
    """A cell one change away from another one."""

    cell: int
    """Its number."""
    configuration: int
    """The configuration of the other cell before the change."""
    changed: int
    """The configuration after the change."""
    is_operation: bool
    """Whether an operation changes; otherwise an edge moves."""


def neighbours_of(
    space: EnumerableSpace, of_configuration: np.ndarray, cell: int
) -> list[Neighbour]:
    """The cells one change away from a cell, each once, by their numbers.

    If both kinds of change lead to a cell, that of an operation is given. Raises ValueError for an
    unknown cell.
    """
    configurations = np.flatnonzero(of_configuration == cell)
    if not len(configurations):
        raise ValueError(f"{space.title} has cells 0 to {of_configuration.max()}, not {cell}")
    found: dict[int, Neighbour] = {}
    for places, targets, is_operation in _changes(space, configurations):
        cells, first = np.unique(of_configuration[targets], return_index=True)
        for other, place in zip(cells.tolist(), first.tolist(), strict=True):
            known = found.get(other)
            if other != cell and (known is None or is_operation > known.is_operation):
                origin = int(configurations[places[place]])
                found[other] = Neighbour(other, origin, int(targets[place]), is_operation)
    return [found[other] for other in sorted(found)]


def best_neighbours(
    space: EnumerableSpace, of_configuration: np.ndarray, values: np.ndarray
) -> np.ndarray:
    """The lowest value among each cell's neighbours, float (U,); values: float (U,), one per cell.

    The cell itself counts too: a change without effect gives the cell's own value.
    """
    value = values[of_configuration]
    lowest = np.full(len(value), np.inf)
    for places, targets, _ in _changes(space, np.arange(len(value))):
        lowest[places] = np.minimum(lowest[places], value[targets])
    best = np.full(len(values), np.inf)
    np.minimum.at(best, of_configuration, lowest)
    return best


def _changes(
    space: EnumerableSpace, configurations: np.ndarray
) -> Iterator[tuple[np.ndarray, np.ndarray, bool]]:
    """Every change of one choice: places in `configurations`, their targets, whether an operation.

    A configuration's digits are the picks of the space's choices.
    """
    stride = space.num_configurations
    for choice in space.choices:
        ways = choice.ways
        stride //= len(ways)
        value = configurations // stride % len(ways)
        allowed = np.array([[len(set(new) - set(old)) == 1 for new in ways] for old in ways])
        for new in range(len(ways)):
            places = np.flatnonzero(allowed[value, new])
            if len(places):
                targets = configurations[places] + (new - value[places]) * stride
                yield places, targets, choice.kind == OPERATION
