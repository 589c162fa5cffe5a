"""The three search spaces of NAS-Bench-1Shot1 (Zela, Siems and Hutter, ICLR 2020, section 3)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, cached_property
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import PARENTS, Architecture, Choice, InvalidArchitecture
from oneshot_hpo.search_spaces.nasbench101.cell import (
    INPUT,
    MAXPOOL3X3,
    OPERATIONS,
    OUTPUT,
    Cell,
    kept_vertices,
)
from oneshot_hpo.search_spaces.nasbench101.enumeration import (
    LabelledCells,
    labellings,
    topologies,
    unique_cells,
)
from oneshot_hpo.search_spaces.space import Drawing, EnumerableSpace, SpaceId


class NasBench101Space(EnumerableSpace):
    """A space of NAS-Bench-1Shot1: the parents of choice blocks 1..n and of the output, then the
    operation of each block.

    Node 0 is the cell's input, node i choice block i, node n + 1 the output.

    number: 1, 2 or 3.
    num_parents: parents of choice blocks 1..n, then of the output.
    """

    family = "nasbench101"
    operations = OPERATIONS
    parameter_free = frozenset({MAXPOOL3X3})

    def __init__(self, number: int, num_parents: tuple[int, ...]) -> None:
        self.number, self.num_parents = number, num_parents
        self.name, self.title = f"nasbench101-{number}", f"space {number}"
        self.num_blocks = len(num_parents) - 1
        self.choices = (
            *(self._parents(node, k) for node, k in enumerate(num_parents, start=1)),
            *(
                Choice(f"block_{block}_operation", OPERATIONS)
                for block in range(1, self.num_blocks + 1)
            ),
        )

    @property
    def id(self) -> SpaceId:
        """Its number."""
        return self.number

    @property
    def entropy(self) -> int:
        """Its number."""
        return self.number

    @property
    def parent_choices(self) -> list[tuple[tuple[int, ...], ...]]:
        """For choice blocks 1..n, then the output: every way to pick the parents."""
        return [choice.ways for choice in self.choices[: len(self.num_parents)]]

    @cached_property
    def unique(self) -> LabelledCells:
        """The cells up to isomorphism and the cell of every configuration."""
        return unique_cells(self.num_parents)

    def parents(self, architecture: Architecture) -> tuple[tuple[int, ...], ...]:
        """For choice blocks 1..n, then the output, the ascending nodes that feed it."""
        return architecture.picks[: len(self.num_parents)]

    def operation_places(self, architecture: Architecture) -> tuple[int, ...]:
        """For choice blocks 1..n, places in OPERATIONS."""
        return tuple(place for (place,) in architecture.picks[len(self.num_parents) :])

    def operation_names(self, architecture: Architecture) -> tuple[str, ...]:
        """For choice blocks 1..n, members of OPERATIONS."""
        return tuple(OPERATIONS[place] for place in self.operation_places(architecture))

    def to_document(self, architecture: Architecture) -> dict[str, Any]:
        """Parents of the blocks and the output, and operations of the blocks."""
        return {
            "parents": [list(nodes) for nodes in self.parents(architecture)],
            "operations": list(self.operation_names(architecture)),
        }

    def from_document(self, document: Mapping[str, Any]) -> Architecture:
        """Read what `to_document` wrote; raises InvalidArchitecture for others."""
        try:
            parents = tuple(tuple(int(node) for node in nodes) for nodes in document["parents"])
            operations = tuple((OPERATIONS.index(name),) for name in document["operations"])
        except (KeyError, TypeError, ValueError):
            raise InvalidArchitecture(
                f"not an architecture of {self.title}, with 'parents' and 'operations': {document}"
            ) from None
        architecture = Architecture(parents + operations)
        self.check(architecture)
        return architecture

    def key(self, architecture: Architecture) -> str:
        """The hash of its cell, NAS-Bench-101's."""
        return self.cell(architecture).hash

    def cell(self, architecture: Architecture) -> Cell:
        """The pruned cell of an architecture; raises InvalidArchitecture for others."""
        self.check(architecture)
        matrix = np.zeros((self.num_blocks + 2,) * 2, int)
        for node, sources in enumerate(self.parents(architecture), start=1):
            matrix[list(sources), node] = 1
        return Cell.pruned(matrix, (INPUT, *self.operation_names(architecture), OUTPUT))

    def lines(self, architecture: Architecture) -> list[str]:
        """The operation and the sources of each block, and what feeds the output."""
        parents = [list(nodes) for nodes in self.parents(architecture)]
        named = enumerate(self.operation_names(architecture), start=1)
        blocks = [f"block {n}: {name:16} of nodes {parents[n - 1]}" for n, name in named]
        return [*blocks, f"output:  concatenation    of nodes {parents[-1]}"]

    def drawing(self, architecture: Architecture) -> Drawing:
        """The pruned cell."""
        cell = self.cell(architecture)
        edges = [(x, y) for x, row in enumerate(cell.matrix) for y, edge in enumerate(row) if edge]
        return Drawing(cell.operations, tuple(edges))

    def used_operations(self, configurations: np.ndarray) -> np.ndarray:
        """The operation of each choice block, int (N, n); -1 for a loose end."""
        labels = labellings(self.num_blocks)
        topology, labelling = np.divmod(configurations, len(labels))
        on_path = kept_vertices(topologies(self.num_parents))[topology, 1:-1]
        return np.where(on_path, labels[labelling], -1)

    @property
    def cell_graphs(self) -> tuple[np.ndarray, np.ndarray]:
        """The unique cells in order, not pruned, as `TrainedCells.find` takes them.

        adjacency bool (U, n + 2, n + 2) and operations int (U, n), places in OPERATIONS.
        """
        labels = labellings(self.num_blocks)
        topology, labelling = np.divmod(self.unique.first, len(labels))
        return topologies(self.num_parents)[topology], labels[labelling]

    @cached_property
    def cells(self) -> list[Cell]:
        """The unique cells in order, each topology pruned once for all its operations."""
        adjacency, labels = topologies(self.num_parents), labellings(self.num_blocks).tolist()
        kept = kept_vertices(adjacency)

        @cache
        def pruned(topology: int) -> tuple[tuple[tuple[int, ...], ...], list[int]]:
            keep = np.flatnonzero(kept[topology])
            matrix = adjacency[topology][np.ix_(keep, keep)].astype(int).tolist()
            return tuple(map(tuple, matrix)), (keep[1:-1] - 1).tolist()

        cells = []
        for configuration in self.unique.first.tolist():
            topology, labelling = divmod(configuration, len(labels))
            matrix, blocks = pruned(topology)
            names = [OPERATIONS[labels[labelling][block]] for block in blocks]
            cells.append(Cell(matrix, (INPUT, *names, OUTPUT)))
        return cells

    def _parents(self, node: int, k: int) -> Choice:
        name = "output_parents" if node > self.num_blocks else f"block_{node}_parents"
        return Choice(name, tuple(map(str, range(node))), k=k, kind=PARENTS)


SPACE_1 = NasBench101Space(1, (1, 2, 2, 2, 2))
SPACE_2 = NasBench101Space(2, (1, 1, 2, 2, 3))
SPACE_3 = NasBench101Space(3, (1, 1, 1, 2, 2, 2))


def numbered(number: int) -> NasBench101Space:
    """Space 1, 2 or 3, where NAS-Bench-101's own methods are needed."""
    return (SPACE_1, SPACE_2, SPACE_3)[number - 1]
