"""Observations by order alone: for losses that cannot be compared with the new study's."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from oneshot_hpo.hpo import Observation


def by_order(results: Sequence[Observation], below: float) -> list[Observation]:
    """The results of one source with ranks in place of losses, at budgets up to `below` / 2.

    A rank is the share of the source's results at that budget with a lower loss, in [0, 1). A
    budget becomes its share of the source's largest one, times `below` / 2.

    BOHB's model is that of the largest budget with enough observations, and never mixes budgets.
    With `below` at most every budget at which losses are compared, ranks and losses are never in
    one model, and ranks only guide proposals until there are losses enough for a model.
    """
    losses: dict[float, list[float]] = defaultdict(list)
    for one in results:
        if one.loss is not None:
            losses[one.budget].append(one.loss)
    for known in losses.values():
        known.sort()

    largest = max(one.budget for one in results)
    return [
        replace(
            one,
            budget=below / 2 * one.budget / largest,
            loss=None if one.loss is None else _share(losses[one.budget], one.loss),
        )
        for one in results
    ]


def _share(ordered: Sequence[float], loss: float) -> float:
    return bisect_left(ordered, loss) / len(ordered)
