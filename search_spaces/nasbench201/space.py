"""The search space of NAS-Bench-201 (Dong and Yang, ICLR 2020, section 2.1).

A cell has four nodes. Each is joined to all nodes before it by an edge, and each edge has one
operation; a node is the sum of its incoming edges.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import Architecture, Choice, InvalidArchitecture
from oneshot_hpo.search_spaces.space import Drawing, EnumerableSpace

NONE, SKIP, POOL = "none", "skip_connect", "avg_pool_3x3"
OPERATIONS = (NONE, SKIP, "nor_conv_1x1", "nor_conv_3x3", POOL)
"""In the order of the authors' code."""
NODES = 4
EDGES = tuple((source, node) for node in range(1, NODES) for source in range(node))
"""(source, node) of the edges in the order of a cell's text; node 0 is the cell's input."""

_ZERO = "#"


class EdgeCellSpace(EnumerableSpace):
    """Cells of four nodes with an operation on each of six edges, one choice per edge.

    Cells with the same `expression` are isomorphic.
    """

    choices: tuple[Choice, ...]

    def __init__(self, name: str, family: str, title: str, operations: tuple[str, ...]) -> None:
        self.name, self.family, self.title = name, family, title
        self.operations = operations
        self.parameter_free = frozenset(operations) & {NONE, SKIP, POOL}
        self.choices = tuple(Choice(f"edge_{source}_{node}", operations) for source, node in EDGES)

    def places(self, architecture: Architecture) -> tuple[int, ...]:
        """The operation of each edge, places in `operations`."""
        return tuple(place for (place,) in architecture.picks)

    def names(self, architecture: Architecture) -> tuple[str, ...]:
        """The operation of each edge, members of `operations`."""
        return tuple(self.operations[place] for place in self.places(architecture))

    def key(self, architecture: Architecture) -> str:
        """The expression of its cell."""
        return expression(self.names(architecture))

    def used_operations(self, configurations: np.ndarray) -> np.ndarray:
        """The operation of each edge, int (N, 6), places in `operations`; -1 for a loose end.

        A loose end begins at a node that the input does not reach, or ends at one that does not
        reach the output.
        """
        digits = self.digits(configurations)
        feeds = digits != self.operations.index(NONE)
        reached = np.zeros((len(digits), NODES), bool)
        needed = np.zeros((len(digits), NODES), bool)
        reached[:, 0] = needed[:, -1] = True
        for place, (source, node) in enumerate(EDGES):  # an edge comes after all into its source
            reached[:, node] |= reached[:, source] & feeds[:, place]
        for place, (source, node) in reversed(list(enumerate(EDGES))):
            needed[:, source] |= needed[:, node] & feeds[:, place]
        sources, nodes = np.array(EDGES).T
        return np.where(reached[:, sources] & needed[:, nodes], digits, -1)

    def drawing(self, architecture: Architecture) -> Drawing:
        """The edges that reach the output, each operation as a vertex."""
        used = self.used_operations(np.array([self.configuration(architecture)]))[0]
        edges = [
            (edge, self.operations[place])
            for edge, place in zip(EDGES, used.tolist(), strict=True)
            if place >= 0 and self.operations[place] != NONE
        ]
        ends = [(0, 0), *(edge for edge, _ in edges), (NODES - 1, NODES)]
        joined = [
            (a, b)
            for b, (source, _) in enumerate(ends)
            for a, (_, node) in enumerate(ends[:b])
            if node == source
        ]
        labels = ("input", *(name for _, name in edges), "output")
        return Drawing(labels, tuple(sorted(joined)))

    def to_document(self, architecture: Architecture) -> dict[str, Any]:
        """The cell's text."""
        return {"cell": self.text(architecture)}

    def from_document(self, document: Mapping[str, Any]) -> Architecture:
        """Read what `to_document` wrote; raises InvalidArchitecture for others."""
        text = document.get("cell")
        if not isinstance(text, str):
            raise InvalidArchitecture(
                f"not an architecture of {self.title}, with 'cell': {document}"
            )
        return self.parse(text)

    def text(self, architecture: Architecture) -> str:
        """A cell in the authors' notation: |nor_conv_3x3~0|+|none~0|none~1|+|…~0|…~1|…~2|."""
        names = self.names(architecture)
        nodes: dict[int, str] = {}
        for (source, node), name in zip(EDGES, names, strict=True):
            nodes[node] = f"{nodes.get(node, '|')}{name}~{source}|"
        return "+".join(nodes.values())

    def parse(self, text: str) -> Architecture:
        """Read what `text` wrote; raises InvalidArchitecture, on one line."""
        edges = re.findall(r"(\w+)~(\d)", text)
        if len(edges) == len(EDGES):
            names = tuple(name for name, _ in edges)
            strange = [name for name in names if name not in self.operations]
            if strange:
                known = ", ".join(self.operations)
                raise InvalidArchitecture(
                    f"{self.title} has operations {known}, not {strange[0]!r}"
                )
            architecture = self.of_names(names)
            if self.text(architecture) == text:
                return architecture
        raise InvalidArchitecture(
            f"not a cell of {self.title}: {text[:100]!r}; one is written as "
            f"{self.text(self.of_names((self.operations[-1],) * len(EDGES)))}"
        )

    def of_names(self, names: Sequence[str]) -> Architecture:
        """The cell with these operations on its edges, members of `operations`."""
        return Architecture(tuple((self.operations.index(name),) for name in names))


def expression(names: Sequence[str]) -> str:
    """What a cell computes, in the authors' notation for finding isomorphic cells.

    names: the operation of each edge. It is their `to_unique_str` with `consider_zero`: a skip
    connection is its source, an edge of none, or from a source that is a single zero, is `#`, and
    the terms of a sum are sorted. Zeros stay in sums, and sums in sums: cells that differ in those
    alone are different here as in the paper, which has 6,466 of 15,625 cells.
    """
    nodes = ["0"]
    place = 0
    for node in range(1, NODES):
        terms = []
        for source in range(node):
            name, value = names[place], nodes[source]
            place += 1
            if name == NONE or value == _ZERO:
                terms.append(_ZERO)
            elif name == SKIP:
                terms.append(value)
            else:
                terms.append(f"({value})@{name}")
        nodes.append("+".join(sorted(terms)))
    return nodes[-1]


NASBENCH201 = EdgeCellSpace("nasbench201", "nasbench201", "NAS-Bench-201", OPERATIONS)
