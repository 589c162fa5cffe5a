"""Random draws that never fail: non-finite numbers give an arbitrary draw, not an exception."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import Architecture, EnumerableSpace, SearchSpace


def gumbel(shape: Sequence[int], generator: torch.Generator) -> Tensor:
    """Standard Gumbel noise, on the CPU."""
    return -torch.empty(list(shape)).exponential_(generator=generator).log()


def draw(logits: Tensor, count: int, generator: torch.Generator) -> list[int]:
    """Draw `count` different places of logits (m,), without replacement.

    The Gumbel top-k trick (Kool, van Hoof and Welling, ICML 2019).
    """
    noisy = logits.detach().cpu() + gumbel(logits.shape, generator)
    drawn: list[int] = noisy.argsort(descending=True)[:count].tolist()
    return drawn


def uniform_architecture(space: SearchSpace, generator: torch.Generator) -> Architecture:
    """An architecture drawn uniformly among all picks of a space."""
    if isinstance(space, EnumerableSpace):
        return space.architecture(_below(space.num_configurations, generator))
    ways = [choice.ways for choice in space.choices]
    return Architecture(tuple(every[_below(len(every), generator)] for every in ways))


def _below(bound: int, generator: torch.Generator) -> int:
    return int(torch.randint(bound, (), generator=generator))
