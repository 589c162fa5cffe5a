"""The most likely architectures of a distribution whose choices are independent."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence

import numpy as np

from oneshot_hpo.search_spaces import Architecture, SearchSpace

_TRIED = 100
"""Architectures looked at for each one wanted: most may be isomorphic to earlier ones."""


def most_likely(space: SearchSpace, scores: Sequence[np.ndarray], count: int) -> list[Architecture]:
    """At most `count` architectures, the most likely first, of which no two have the same key.

    scores: by choice, the log-probability of each of its `ways`, up to a constant, float (ways,).
    """
    found: dict[str, Architecture] = {}
    for tried, architecture in enumerate(_by_probability(space, scores)):
        if len(found) == count or tried == _TRIED * count:
            break
        found.setdefault(space.key(architecture), architecture)
    return list(found.values())


def _by_probability(space: SearchSpace, scores: Sequence[np.ndarray]) -> Iterator[Architecture]:
    """All architectures, the most likely first; of equals, those of earlier ways first."""
    orders = [np.argsort(-values, kind="stable") for values in scores]
    losses = [(values.max() - values)[order] for values, order in zip(scores, orders, strict=True)]

    def entry(ranks: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        pairs = zip(losses, ranks, strict=True)
        return float(sum(loss[rank] for loss, rank in pairs)), ranks

    # Each step from a place in the order of one choice to the next place makes it less likely.
    queue = [entry((0,) * len(orders))]
    seen = {queue[0][1]}
    while queue:
        _, ranks = heapq.heappop(queue)
        picks = zip(space.choices, orders, ranks, strict=True)
        yield Architecture(tuple(choice.ways[order[rank]] for choice, order, rank in picks))
        for place, (rank, order) in enumerate(zip(ranks, orders, strict=True)):
            following = (*ranks[:place], rank + 1, *ranks[place + 1 :])
            if rank + 1 < len(order) and following not in seen:
                seen.add(following)
                heapq.heappush(queue, entry(following))
