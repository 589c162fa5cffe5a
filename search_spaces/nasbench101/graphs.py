"""Many cell graphs at once: packed into 32 bits each, and compared up to isomorphism.

Arrays of graphs are adjacency bool (N, V, V), upper triangular, and labels int8 (N, V):
INPUT_LABEL, OUTPUT_LABEL, or an operation's place in OPERATIONS. A vertex without any edge is
not part of its graph, whatever its label, so that graphs of several sizes fit one array.
"""

from __future__ import annotations

import numpy as np

from oneshot_hpo.search_spaces.nasbench101.cell import (
    INPUT_LABEL,
    OPERATIONS,
    OUTPUT_LABEL,
    Cell,
    labels_of,
)

MAX_VERTICES = 7
"""Vertices of the largest cell that can be packed, NAS-Bench-101's limit."""

_EDGES = [(x, y) for y in range(MAX_VERTICES) for x in range(y)]
_LABEL_SHIFT = len(_EDGES)  # 21 bits of edges, then 8 of operations (3^5 < 256), then 3 of size
_SIZE_SHIFT = _LABEL_SHIFT + 8

_ROUNDS = 3
"""Rounds of Weisfeiler and Lehman's refinement; two already separate all 423,624 cells."""
_CHUNK = 8192  # graphs a pass, so that its arrays stay in a CPU's cache


def pack(cell: Cell) -> int:
    """A cell of at most 7 vertices as a number below 2^32: size, operations, edges."""
    edges = sum(
        1 << place
        for place, (x, y) in enumerate(_EDGES)
        if y < len(cell.matrix) and cell.matrix[x][y]
    )
    operations = 0
    for label in labels_of(cell.operations)[1:-1]:
        operations = operations * len(OPERATIONS) + label
    return (len(cell.matrix) - 2) << _SIZE_SHIFT | operations << _LABEL_SHIFT | edges


def unpack(codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Packed cells, uint32 (N,), as adjacency bool (N, 7, 7) and labels int8 (N, 7).

    Vertices keep their places; those beyond a cell's size have no edges.
    """
    adjacency = np.zeros((len(codes), MAX_VERTICES, MAX_VERTICES), bool)
    for place, (x, y) in enumerate(_EDGES):
        adjacency[:, x, y] = codes >> np.uint32(place) & np.uint32(1)
    labels = np.full((len(codes), MAX_VERTICES), OUTPUT_LABEL, np.int8)
    labels[:, 0] = INPUT_LABEL
    sizes = (codes >> np.uint32(_SIZE_SHIFT)).astype(int)
    operations = (codes >> np.uint32(_LABEL_SHIFT)).astype(int) & 0xFF
    for vertex in range(1, MAX_VERTICES - 1):
        inner = sizes >= vertex
        later = np.maximum(sizes - vertex, 0)
        digit = operations // len(OPERATIONS) ** later % len(OPERATIONS)
        labels[inner, vertex] = digit[inner]
    return adjacency, labels


def unpack_cell(code: int) -> Cell:
    """The cell that was packed."""
    size = (code >> _SIZE_SHIFT) + 2
    matrix = [[0] * size for _ in range(size)]
    for place, (x, y) in enumerate(_EDGES[: size * (size - 1) // 2]):
        matrix[x][y] = code >> place & 1
    operations, names = code >> _LABEL_SHIFT & 0xFF, []
    for _ in range(size - 2):
        operations, label = divmod(operations, len(OPERATIONS))
        names.append(OPERATIONS[label])
    return Cell(tuple(map(tuple, matrix)), ("input", *reversed(names), "output"))


def without_operations(code: int) -> int:
    """A packed cell with its matrix and the first operation at every vertex."""
    return code & ~(0xFF << _LABEL_SHIFT)


def without_edges(code: int) -> int:
    """A packed cell's size and operations alone."""
    return code >> _LABEL_SHIFT << _LABEL_SHIFT


def isomorphism_keys(adjacency: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """One number per graph, uint64 (N,), equal for isomorphic graphs and different for others.

    Weisfeiler and Lehman's colour refinement along and against the edges, colours being 64-bit
    hashes. It was checked to separate all cells of NAS-Bench-101. The official MD5 hash refines in
    the same way, but is a hundred times slower.
    """
    keys = np.empty(len(adjacency), np.uint64)
    for start in range(0, len(adjacency), _CHUNK):
        part = slice(start, start + _CHUNK)
        keys[part] = _keys(adjacency[part], labels[part])
    return keys


def _keys(adjacency: np.ndarray, labels: np.ndarray) -> np.ndarray:
    vertices = adjacency.shape[1]
    # All ones where there is an edge: masks of a colour.
    masks = np.uint64(0) - np.ascontiguousarray(adjacency.transpose(1, 2, 0)).astype(np.uint64)
    edges = [(x, y) for y in range(vertices) for x in range(y) if masks[x, y].any()]
    colours = _mixed(labels.T.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    for _ in range(_ROUNDS):
        as_parent = _mixed(colours ^ np.uint64(0x6A09E667F3BCC908))
        as_child = _mixed(colours ^ np.uint64(0xBB67AE8584CAA73B))
        parents, children = np.zeros_like(colours), np.zeros_like(colours)
        for x, y in edges:
            parents[y] += as_parent[x] & masks[x, y]
            children[x] += as_child[y] & masks[x, y]
        colours = _mixed(
            _mixed(parents) * np.uint64(3) + children * np.uint64(5) + colours * np.uint64(7)
        )
    in_graph = (adjacency.any(1) | adjacency.any(2)).T
    total: np.ndarray = (_mixed(colours) * in_graph).sum(0, dtype=np.uint64)
    return total


def _mixed(values: np.ndarray) -> np.ndarray:
    """A bijection of 64-bit numbers that spreads every bit (MurmurHash3's finaliser, Appleby)."""
    values = values ^ (values >> np.uint64(33))
    values *= np.uint64(0xFF51AFD7ED558CCD)
    values ^= values >> np.uint64(33)
    values *= np.uint64(0xC4CEB9FE1A85EC53)
    values ^= values >> np.uint64(33)
    return values
