"""Labelled graphs: edges, hash, isomorphism (lib/graph_util.py of google-research/nasbench).

A graph is a V x V matrix of 0 and 1, `matrix[i, j]` being the edge from i to j, and V labels.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.nasbench101.cell import InvalidCell, refined_hash

Matrix = np.ndarray | Sequence[Sequence[int]]
Graph = tuple[Matrix, Sequence[Any]]


def gen_is_edge_fn(bits: int) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """A function of sources x and targets y that is 1 where `bits` has the edge from x to y.

    Bit 0 is the edge 0 -> 1, bits 1 and 2 are 0 -> 2 and 1 -> 2, and so on, one target after
    the other; `np.fromfunction` makes the V x V matrix of it.
    """

    def is_edge(x: int, y: int) -> int:
        # Python's integers, because bits may have any length and np.fromfunction may ask for int8.
        source, target = int(x), int(y)
        return source < target and bits >> (source + target * (target - 1) // 2) & 1

    return np.vectorize(is_edge, otypes=[int])


def is_full_dag(matrix: np.ndarray) -> bool:
    """Whether an upper triangular matrix has every vertex on a path from the first to the last.

    So it is when every vertex but the last has an edge out, and every one but the first one in.
    """
    edges = np.asarray(matrix) != 0
    return bool(edges[:-1].any(1).all() and edges[:, 1:].any(0).all())


def num_edges(matrix: np.ndarray) -> int:
    """Number of edges; the sum of the entries, should they be others than 0 and 1."""
    return np.sum(matrix).item()


def hash_module(matrix: Matrix, labeling: Sequence[Any]) -> str:
    """The module hash, 32 hexadecimal digits, of any directed graph with labels of any kind.

    Isomorphic graphs share it. In NAS-Bench-101 no two other cells do; larger graphs may. As in
    the original, a vertex counts by the words that Python prints for its degrees, which are sums
    of the matrix, and for its label: 1 and 1.0 are not the same.
    Raises InvalidCell when the labels do not fit the matrix.
    """
    edges = np.asarray(matrix)
    if edges.shape != (len(labeling), len(labeling)):
        raise InvalidCell(f"{len(labeling)} labels do not fit a matrix of shape {edges.shape}")
    degrees_out, degrees_in = edges.sum(1).tolist(), edges.sum(0).tolist()
    # The original's numpy 1 prints its numbers as plain ones, np.int64(1) as 1.
    with np.printoptions(legacy="1.25"):
        words = [str(vertex) for vertex in zip(degrees_out, degrees_in, labeling, strict=True)]
    return refined_hash(edges.tolist(), words)


def permute_graph(
    graph: Matrix, label: Sequence[Any], permutation: Sequence[int]
) -> tuple[np.ndarray, list[Any]]:
    """Renumber the vertices: vertex v becomes vertex `permutation[v]`.

    Returns the new matrix, bool (V, V), and the new labels.
    """
    origin = np.argsort(permutation)
    return np.asarray(graph)[np.ix_(origin, origin)] == 1, [label[v] for v in origin]


def is_isomorphic(graph1: Graph, graph2: Graph) -> bool:
    """Whether some renumbering of the vertices makes one (matrix, labels) the other.

    Depth-first over all partial renumberings that agree so far: instant for cells, exponential
    in the worst case. Raises InvalidCell for graphs of different sizes.
    """
    # As in the original, an entry that is neither 0 nor 1 is no edge of the first graph, and is
    # like nothing in the second.
    matrix1, matrix2 = np.asarray(graph1[0]) == 1, np.asarray(graph2[0])
    labels1, labels2 = graph1[1], graph2[1]
    if matrix1.shape != matrix2.shape or len(labels1) != len(labels2):
        raise InvalidCell(
            f"graphs of different sizes: {len(labels1)} and {len(labels2)} labels, matrices of "
            f"shapes {matrix1.shape} and {matrix2.shape}"
        )
    vertices = range(len(labels1))

    def extend(images: list[int]) -> bool:
        """Whether vertices 0, 1, ... -> images can be completed."""
        if len(images) == len(vertices):
            return True
        placed = [*range(len(images)), len(images)]
        vertex = placed[-1]
        for image in vertices:
            candidate = [*images, image]
            if (
                image not in images
                and labels1[vertex] == labels2[image]
                and np.array_equal(matrix1[vertex, placed], matrix2[image, candidate])
                and np.array_equal(matrix1[placed, vertex], matrix2[candidate, image])
                and extend(candidate)
            ):
                return True
        return False

    return extend([])
