"""Cells of NAS-Bench-101: labelled directed acyclic graphs, their pruning and the official hash."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oneshot_hpo.search_spaces.errors import SpaceError

CONV3X3 = "conv3x3-bn-relu"
CONV1X1 = "conv1x1-bn-relu"
MAXPOOL3X3 = "maxpool3x3"
INPUT = "input"
OUTPUT = "output"

OPERATIONS = (CONV3X3, CONV1X1, MAXPOOL3X3)
"""The operations of a choice block; an operation's place here is its code in arrays and hashes."""

INPUT_LABEL, OUTPUT_LABEL = -1, -2
_LABELS = {INPUT: INPUT_LABEL, OUTPUT: OUTPUT_LABEL} | {
    name: code for code, name in enumerate(OPERATIONS)
}


class InvalidCell(SpaceError, ValueError):
    """A matrix and operations that do not form a cell; the message says why."""


@dataclass(frozen=True)
class Cell:
    """A pruned cell: every vertex lies on a path from the input to the output.

    Make one with `Cell.pruned`, which drops the vertices that do not.

    matrix: rows of the upper triangular adjacency matrix, V x V entries of 0 and 1.
    operations: V names, "input" first, "output" last, members of OPERATIONS between.
    """

    matrix: tuple[tuple[int, ...], ...]
    operations: tuple[str, ...]

    @classmethod
    def pruned(
        cls, matrix: Sequence[Sequence[int]] | np.ndarray, operations: Sequence[str]
    ) -> Cell:
        """Drop every vertex on no path from input to output (NAS-Bench-101, section 2.1).

        Raises InvalidCell for a matrix that is not square and upper triangular with entries 0
        and 1, for operations that do not fit it, and when no path leads from input to output.
        """
        adjacency = np.asarray(matrix)
        vertices = len(operations)
        if adjacency.shape != (vertices, vertices) or vertices < 2:
            raise InvalidCell(
                f"a cell of {vertices} operations needs a {vertices} x {vertices} matrix, of at "
                f"least 2 x 2, not one of shape {adjacency.shape}"
            )

        # Python loops: on so small a matrix they are faster than numpy, and queries are frequent.
        rows = adjacency.tolist()
        if any(
            edge not in (0, 1) or (edge and x >= y)
            for x, row in enumerate(rows)
            for y, edge in enumerate(row)
        ):
            raise InvalidCell("the matrix of a cell is upper triangular with entries 0 and 1")
        if (
            operations[0] != INPUT
            or operations[-1] != OUTPUT
            or not set(operations[1:-1]) <= set(OPERATIONS)
        ):
            raise InvalidCell(
                f"the operations of a cell are 'input', then some of {', '.join(OPERATIONS)}, "
                f"then 'output', not {', '.join(map(str, operations))}"
            )

        keep = vertices_on_paths(rows)
        if not keep:
            raise InvalidCell("no path leads from the cell's input to its output")
        kept_rows = tuple(tuple(int(rows[x][y]) for y in keep) for x in keep)
        return cls(kept_rows, tuple(operations[vertex] for vertex in keep))

    @cached_property
    def hash(self) -> str:
        """NAS-Bench-101's module hash, 32 hexadecimal digits; isomorphic cells share it."""
        return module_hash(self.matrix, labels_of(self.operations))


def labels_of(operations: Sequence[str]) -> list[int]:
    """The codes of a cell's operations: -1 for the input, -2 for the output, else the place."""
    return [_LABELS[name] for name in operations]


def vertices_on_paths(rows: Sequence[Sequence[int]]) -> list[int]:
    """The vertices on a path from the first to the last one, ascending; empty if there is no path.

    rows: those of an upper triangular adjacency matrix.
    """
    last = len(rows) - 1
    from_input, to_output = {0}, {last}
    for vertex in range(1, last + 1):
        if any(rows[parent][vertex] for parent in from_input):
            from_input.add(vertex)
    for vertex in reversed(range(last)):
        if any(rows[vertex][child] for child in to_output):
            to_output.add(vertex)
    return sorted(from_input & to_output)


def kept_vertices(adjacency: np.ndarray) -> np.ndarray:
    """`vertices_on_paths` of many graphs at once.

    adjacency: bool (N, V, V), upper triangular. Returns bool (N, V), all False for a graph in
    which no path joins the two.
    """
    count, vertices, _ = adjacency.shape
    from_input = np.zeros((count, vertices), bool)
    to_output = np.zeros((count, vertices), bool)
    from_input[:, 0] = to_output[:, -1] = True
    for vertex in range(1, vertices):
        from_input[:, vertex] = (adjacency[:, :, vertex] & from_input).any(1)
    for vertex in reversed(range(vertices - 1)):
        to_output[:, vertex] = (adjacency[:, vertex, :] & to_output).any(1)
    return from_input & to_output


def module_hash(matrix: Sequence[Sequence[int]], labels: Sequence[int]) -> str:
    """Hash a pruned cell as NAS-Bench-101 does: MD5 iterated over degrees, label, neighbours.

    matrix: V x V of 0 and 1. labels: V codes, -1 for the input, -2 for the output, else the
    place in OPERATIONS. Source: hash_module in graph_util.py of google-research/nasbench.
    """
    degrees_out = [sum(row) for row in matrix]
    degrees_in = [sum(column) for column in zip(*matrix, strict=True)]
    vertices = zip(degrees_out, degrees_in, labels, strict=True)
    return refined_hash(matrix, [str(vertex) for vertex in vertices])


def refined_hash(matrix: Sequence[Sequence[int]], words: Sequence[str]) -> str:
    """The hash of a graph from a word for each vertex, which is mixed with its neighbours'.

    matrix: V x V, an edge where it is not 0. words: V of them.
    """
    vertices = range(len(words))
    parents = [[w for w in vertices if matrix[w][v]] for v in vertices]
    children = [[w for w, edge in enumerate(row) if edge] for row in matrix]
    digests = [_md5(word) for word in words]
    for _ in vertices:
        digests = [
            _md5(
                f"{''.join(sorted([digests[w] for w in parents[v]]))}|"
                f"{''.join(sorted([digests[w] for w in children[v]]))}|{digests[v]}"
            )
            for v in vertices
        ]
    return _md5(str(sorted(digests)))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
