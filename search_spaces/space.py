"""The three search spaces of NAS-Bench-1Shot1 (Zela, Siems and Hutter, ICLR 2020, section 3)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_hpo.search_spaces.cell import INPUT, OPERATIONS, OUTPUT, Cell, kept_vertices
from oneshot_hpo.search_spaces.enumeration import (
    UniqueCells,
    labellings,
    parent_choices,
    topologies,
    unique_cells,
)
from oneshot_hpo.search_spaces.errors import SpaceError

if TYPE_CHECKING:
    from ConfigSpace import ConfigurationSpace

_NUM_PARENTS = {1: (1, 2, 2, 2, 2), 2: (1, 1, 2, 2, 3), 3: (1, 1, 1, 2, 2, 2)}


class UnknownSpace(SpaceError, ValueError):
    """A search space that there is not."""


@dataclass(frozen=True)
class Architecture:
    """One point of a search space: parents and operations, loose ends allowed.

    parents: for choice blocks 1..n, then the output, the ascending nodes that feed it; node 0 is
        the cell's input, node i choice block i.
    operations: for choice blocks 1..n, members of OPERATIONS.
    """

    parents: tuple[tuple[int, ...], ...]
    operations: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Lists and strings that JSON can hold."""
        return {"parents": [list(p) for p in self.parents], "operations": list(self.operations)}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Architecture:
        """Read what `to_dict` wrote; the space that uses it checks it."""
        parents = tuple(tuple(int(node) for node in nodes) for nodes in document["parents"])
        return cls(parents, tuple(document["operations"]))


@dataclass(frozen=True)
class SearchSpace:
    """A NAS-Bench-1Shot1 search space.

    Its configurations are numbered: the topology (parents of block 1 slowest, of the output
    fastest), then the operations (block 1 slowest). Its unique cells are numbered by the first
    configuration that gives them.

    number: 1, 2 or 3.
    num_parents: parents of choice blocks 1..n, then of the output.
    """

    number: int
    num_parents: tuple[int, ...]

    @property
    def num_blocks(self) -> int:
        """Number of choice blocks, n."""
        return len(self.num_parents) - 1

    @cached_property
    def parent_choices(self) -> list[list[tuple[int, ...]]]:
        """For choice blocks 1..n, then the output: every way to pick the parents."""
        return parent_choices(self.num_parents)

    @property
    def num_configurations(self) -> int:
        """Number of configurations, loose ends included."""
        return math.prod(self._radices)

    @cached_property
    def unique(self) -> UniqueCells:
        """The cells up to isomorphism and the cell of every configuration."""
        return unique_cells(self.num_parents)

    @property
    def num_cells(self) -> int:
        """Number of unique cells."""
        return len(self.unique.first)

    def architecture(self, configuration: int) -> Architecture:
        """The architecture of a configuration's number; raises ValueError outside the space."""
        if not 0 <= configuration < self.num_configurations:
            raise ValueError(
                f"space {self.number} has configurations 0 to {self.num_configurations - 1}, "
                f"not {configuration}"
            )
        digits = np.unravel_index(configuration, self._radices)
        parents = tuple(c[d] for c, d in zip(self.parent_choices, digits, strict=False))
        operations = tuple(OPERATIONS[d] for d in digits[len(self.num_parents) :])
        return Architecture(parents, operations)

    def configuration(self, architecture: Architecture) -> int:
        """The number of an architecture; raises ValueError when it is not of this space."""
        try:
            digits = [
                choices.index(parents)
                for choices, parents in zip(self.parent_choices, architecture.parents, strict=True)
            ]
            digits += [OPERATIONS.index(name) for name in architecture.operations]
            return int(np.ravel_multi_index(digits, self._radices))
        except ValueError:
            raise ValueError(
                f"not an architecture of space {self.number} ({self.num_parents} parents, "
                f"{self.num_blocks} operations): {architecture}"
            ) from None

    @property
    def choices(self) -> tuple[int, ...]:
        """Numbers of values of every choice there is: parents of each node, then operations.

        The same as in `configuration_space`, which sorts them by name.
        """
        return tuple(ways for ways in self._radices if ways > 1)

    def configurations(self, values: np.ndarray) -> np.ndarray:
        """The numbers, int (N,), of configurations given as values int (N, d) of `choices`."""
        return np.ravel_multi_index(tuple(values.T), self.choices)

    def cell_index(self, architecture: Architecture) -> int:
        """The unique cell, 0 to num_cells - 1, that an architecture is after pruning."""
        return int(self.unique.of_configuration[self.configuration(architecture)])

    def cell(self, architecture: Architecture) -> Cell:
        """The pruned cell of an architecture; raises ValueError when it is not of this space."""
        self.configuration(architecture)
        matrix = np.zeros((self.num_blocks + 2,) * 2, int)
        for node, sources in enumerate(architecture.parents, start=1):
            matrix[list(sources), node] = 1
        return Cell.pruned(matrix, (INPUT, *architecture.operations, OUTPUT))

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

    def sample(self, rng: np.random.Generator) -> Architecture:
        """Draw an architecture uniformly among all configurations."""
        return self.architecture(int(rng.integers(self.num_configurations)))

    def neighbours(self, architecture: Architecture) -> list[Architecture]:
        """All architectures that differ in one operation or in one parent of one node.

        One parent: one edge is moved to another source, the number of parents being fixed.
        """
        self.configuration(architecture)
        parents, operations = architecture.parents, architecture.operations
        moved_edges = [
            Architecture((*parents[:node], other, *parents[node + 1 :]), operations)
            for node, choices in enumerate(self.parent_choices)
            for other in choices
            if len(set(other) - set(parents[node])) == 1
        ]
        changed_operations = [
            Architecture(parents, (*operations[:block], other, *operations[block + 1 :]))
            for block in range(self.num_blocks)
            for other in OPERATIONS
            if other != operations[block]
        ]
        return moved_edges + changed_operations

    def configuration_space(self, seed: int | None = None) -> ConfigurationSpace:
        """The architectures as a ConfigSpace: categoricals for operations and for parents.

        Parents are written as nodes joined by commas; a node without a choice has no entry.
        """
        from ConfigSpace import Categorical, ConfigurationSpace

        space = ConfigurationSpace(name=f"space{self.number}", seed=seed)
        for node, choices in enumerate(self.parent_choices, start=1):
            if len(choices) > 1:
                names = [",".join(map(str, parents)) for parents in choices]
                space.add(Categorical(self._parents_name(node), names))
        for block in range(1, self.num_blocks + 1):
            space.add(Categorical(f"block_{block}_operation", OPERATIONS))
        return space

    def from_configuration(self, values: Mapping[str, Any]) -> Architecture:
        """The architecture of a configuration drawn from `configuration_space`."""
        parents = []
        for node, choices in enumerate(self.parent_choices, start=1):
            if len(choices) > 1:
                text = str(values[self._parents_name(node)])
                parents.append(tuple(int(source) for source in text.split(",")))
            else:
                parents.append(choices[0])
        blocks = range(1, self.num_blocks + 1)
        operations = tuple(str(values[f"block_{block}_operation"]) for block in blocks)
        return Architecture(tuple(parents), operations)

    def _parents_name(self, node: int) -> str:
        return "output_parents" if node > self.num_blocks else f"block_{node}_parents"

    @cached_property
    def _radices(self) -> tuple[int, ...]:
        ways = [len(choices) for choices in self.parent_choices]
        return (*ways, *[len(OPERATIONS)] * self.num_blocks)


@cache
def get_space(number: int) -> SearchSpace:
    """Search space 1, 2 or 3 of NAS-Bench-1Shot1 (its table 1); raises UnknownSpace for others."""
    if number not in _NUM_PARENTS:
        raise UnknownSpace(f"there are search spaces 1, 2 and 3, not {number!r}")
    return SearchSpace(number, _NUM_PARENTS[number])
