"""What a searcher tells the supernet: which operations and edges to use, and how much of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from oneshot_hpo.search_spaces import OPERATIONS, Architecture

Weight = Tensor | None
"""A scalar, or None for exactly 1."""


@dataclass(frozen=True)
class Encoding:
    """The cell that a forward pass computes; all cells of a supernet share it.

    What is absent is not computed, and neither is a block on no path to the output.

    operations: for the choice blocks 1..n, places in search_spaces.OPERATIONS with their weights.
    parents: for the choice blocks 1..n, then the output, source nodes with their weights.
    positive: no weight is zero or negative, so that the supernet may multiply before a ReLU
        where the mathematics does so after it.
    """

    operations: tuple[Mapping[int, Weight], ...]
    parents: tuple[Mapping[int, Weight], ...]
    positive: bool = True

    @classmethod
    def discrete(cls, architecture: Architecture) -> Encoding:
        """One architecture: every operation and edge of it with weight 1, and no other."""
        return cls(
            tuple({OPERATIONS.index(name): None} for name in architecture.operations),
            tuple(dict.fromkeys(sources) for sources in architecture.parents),
        )

    @property
    def live_blocks(self) -> list[int]:
        """The choice blocks, 1..n, from which a path leads to the output, in ascending order."""
        output = len(self.parents)
        live = {output}
        for node in range(output, 0, -1):
            if node in live:
                live.update(self.parents[node - 1])
        return sorted(live - {0, output})
