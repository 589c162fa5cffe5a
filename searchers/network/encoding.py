"""A searcher's instruction to the supernet: the candidates to compute, and their weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from oneshot_hpo.search_spaces import Architecture

Weight = Tensor | None
"""A scalar, or None for exactly 1."""


@dataclass(frozen=True)
class Encoding:
    """The cells that a forward pass computes; absent candidates are not computed.

    weights: for each choice of the space, places of candidates with their weights.
    positive: no weight is zero or negative, so that the supernet may multiply before a ReLU
        where the mathematics does so after it.
    """

    weights: tuple[Mapping[int, Weight], ...]
    positive: bool = True

    @property
    def is_discrete(self) -> bool:
        """Whether every weight is exactly 1, as those of one architecture are."""
        return all(weight is None for given in self.weights for weight in given.values())

    @classmethod
    def discrete(cls, architecture: Architecture) -> Encoding:
        """The encoding of one architecture: its candidates with weight 1."""
        return cls(tuple(dict.fromkeys(pick) for pick in architecture.picks))
