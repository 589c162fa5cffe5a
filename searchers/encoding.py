"""What a searcher tells the supernet: how much of each operation and each edge to use."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Encoding:
    """Weights of every operation and every edge of a cell; all cells of a supernet share them.

    Weights are positive: the supernet multiplies before a ReLU where the mathematics does so
    after it.

    operations: (n, 3), of the choice blocks 1..n over search_spaces.OPERATIONS.
    parents: for the choice blocks 1..n, (j,) over the nodes 0..j - 1 before block j; None: all
        of them are parents, summed as they are.
    output: (n + 1,) over the nodes 0..n.
    """

    operations: Tensor
    parents: tuple[Tensor | None, ...]
    output: Tensor
