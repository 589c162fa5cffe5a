"""A module as a matrix and operations, pruned (lib/model_spec.py of google-research/nasbench)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.nasbench101.cell import (
    INPUT_LABEL,
    OUTPUT_LABEL,
    InvalidCell,
    module_hash,
    vertices_on_paths,
)


class ModelSpec:
    """A module of V vertices and what pruning leaves of it.

    original_matrix, original_ops: copies of what was given.
    matrix, ops: the W <= V vertices on a path from the first to the last; None when no path
        joins these two. Labels stay what they were given as: a list, a tuple or an array.
    valid_spec: whether a path does.
    data_format: kept as given.

    Labels may be anything here; `api.NASBench` requires NAS-Bench-101's operations.
    `visualize` of the original, which needs Graphviz, is left out.
    """

    matrix: np.ndarray | None
    ops: Any

    def __init__(
        self,
        matrix: np.ndarray | Sequence[Sequence[int]],
        ops: Sequence[Any],
        data_format: str = "channels_last",
    ):
        """Copy and prune a V x V matrix of 0 and 1, upper triangular, and the labels of V vertices.

        Raises InvalidCell, a ValueError, for another matrix or when the labels do not fit it.
        """
        self.original_matrix = _checked(matrix)
        self.original_ops = copy.deepcopy(ops)
        self.data_format = data_format
        if len(self.original_ops) != len(self.original_matrix):
            raise InvalidCell(
                f"{len(self.original_ops)} operations do not fit a matrix of "
                f"{len(self.original_matrix)} vertices"
            )

        kept = vertices_on_paths(self.original_matrix.tolist())
        self.valid_spec = len(kept) >= 2
        if self.valid_spec:
            self.matrix = self.original_matrix[np.ix_(kept, kept)]
            self.ops = _taken(self.original_ops, kept)
        else:
            self.matrix = self.ops = None

    def hash_spec(self, canonical_ops: Sequence[Any]) -> str:
        """The module hash, 32 hexadecimal digits; isomorphic specs share it.

        canonical_ops: all operations in the benchmark's order (`config["available_ops"]`).
        Raises InvalidCell for an invalid spec and for an operation that is not among them.
        """
        if self.matrix is None or self.ops is None:
            raise InvalidCell("no path leads from the cell's input to its output: it has no hash")
        codes = list(canonical_ops)  # labels need not be hashable
        for operation in self.ops[1:-1]:
            if operation not in codes:
                known = ", ".join(map(str, codes))
                raise InvalidCell(f"operation {operation!r} is none of {known}")
        labels = [codes.index(operation) for operation in self.ops[1:-1]]
        # The benchmark's hash is that of whole numbers, whatever kind of 0 and 1 was given.
        return module_hash(self.matrix.astype(int).tolist(), [INPUT_LABEL, *labels, OUTPUT_LABEL])


def is_upper_triangular(matrix: np.ndarray) -> bool:
    """Whether a square matrix is 0 on its diagonal and below."""
    return not np.tril(matrix).any()


def _taken(labels: Sequence[Any], kept: Sequence[int]) -> Any:
    """Some of the labels, in a copy of their own kind."""
    if isinstance(labels, np.ndarray):
        return labels[list(kept)]
    taken = [copy.deepcopy(labels[vertex]) for vertex in kept]
    return tuple(taken) if isinstance(labels, tuple) else taken


def _checked(matrix: np.ndarray | Sequence[Sequence[int]]) -> np.ndarray:
    """A copy as an array; raises InvalidCell for what is not an adjacency matrix of a module."""
    try:
        copy = np.array(matrix)
    except ValueError:
        raise InvalidCell("the matrix must be square, its rows differ in length") from None
    if copy.ndim != 2 or copy.shape[0] != copy.shape[1] or not copy.size:
        raise InvalidCell(f"the matrix must be square, not of shape {copy.shape}")
    if not is_upper_triangular(copy):
        raise InvalidCell("the matrix must be upper triangular: 0 on its diagonal and below")
    if not ((copy == 0) | (copy == 1)).all():
        raise InvalidCell("the entries of the matrix must be 0 and 1")
    return copy
