"""Find cells by their graphs, a million at once."""

from __future__ import annotations

import numpy as np

from oneshot_hpo.search_spaces.nasbench101.cell import (
    INPUT_LABEL,
    OPERATIONS,
    OUTPUT_LABEL,
    InvalidCell,
    kept_vertices,
)
from oneshot_hpo.search_spaces.nasbench101.graphs import isomorphism_keys, unpack

_CHUNK = 1 << 14  # graphs looked up at once, so that their arrays stay in a CPU's cache


class GraphIndex:
    """The places of U cells in a list, by their graphs up to isomorphism."""

    def __init__(self, graphs: np.ndarray) -> None:
        """Index packed cells, uint32 (U,), no two of them isomorphic."""
        keys = isomorphism_keys(*unpack(graphs))
        self._places = np.argsort(keys)
        self._keys = keys[self._places]

    def rows(self, adjacency: np.ndarray, operations: np.ndarray) -> np.ndarray:
        """Where many cells stand in the list, int (N,), -1 for those that do not.

        adjacency: bool (N, V, V), upper triangular, loose ends allowed; operations: int
        (N, V - 2), places in OPERATIONS. A smaller cell has vertices without edges before its
        last one. Raises InvalidCell, which numbers the first graph without a path.
        """
        count, vertices = len(adjacency), operations.shape[1] + 2
        if adjacency.shape != (count, vertices, vertices) or len(operations) != count:
            raise InvalidCell(
                f"operations of shape {operations.shape} do not fit adjacency matrices of shape "
                f"{adjacency.shape}"
            )
        rows = np.empty(count, np.int64)
        for start in range(0, count, _CHUNK):
            part = slice(start, start + _CHUNK)
            keys = _keys(adjacency[part].astype(bool, copy=False), operations[part], start)
            nearest = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
            rows[part] = np.where(self._keys[nearest] == keys, self._places[nearest], -1)
        return rows


def _keys(adjacency: np.ndarray, operations: np.ndarray, start: int) -> np.ndarray:
    """Isomorphism keys of cells after pruning; the first one is number `start` in messages."""
    vertices = adjacency.shape[1]
    below = np.tri(vertices, dtype=bool)
    if (adjacency & below).any() or (operations < 0).any() or (operations >= len(OPERATIONS)).any():
        raise InvalidCell("adjacency is upper triangular, operations are places in OPERATIONS")
    kept = kept_vertices(adjacency)
    unconnected = np.flatnonzero(~kept[:, 0])
    if len(unconnected):
        raise InvalidCell(
            f"graph {start + unconnected[0]} has no path from its input to its output"
        )
    labels = np.full((len(adjacency), vertices), INPUT_LABEL, np.int8)
    labels[:, 1:-1], labels[:, -1] = operations, OUTPUT_LABEL
    return isomorphism_keys(adjacency & kept[:, :, None] & kept[:, None, :], labels)
