"""A warm start by scores without training (Abdelfattah et al. 2021, "warmup")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from oneshot_hpo.checks import Kind, optional, setting
from oneshot_hpo.hpo.baselines.architectures import Unseen, best_first
from oneshot_hpo.hpo.baselines.checks import COUNT
from oneshot_hpo.hpo.baselines.optimizer import Problem

SCORE = Kind(lambda value: isinstance(value, str) and bool(value), "the name of a score")


@dataclass(frozen=True, kw_only=True)
class WarmStartSettings:
    """How a method chooses the architectures that it starts with."""

    warm_start: str | None = setting(None, optional(SCORE, "a random start"))
    """The score by which they are the best of a random pool; null: they are drawn at random."""
    pool: int = setting(3000, COUNT)
    """Architectures of that pool: as many as in the authors' notebook."""


def starter(problem: Problem, settings: WarmStartSettings) -> Callable[[Unseen, int], list[int]]:
    """What chooses the first `count` architectures. Raises InvalidBaseline for an unknown score."""
    if settings.warm_start is None:
        return Unseen.sample
    score = problem.feature(settings.warm_start)

    def start(unseen: Unseen, count: int) -> list[int]:
        return best_first(unseen.sample(max(settings.pool, count)), score)[:count]

    return start
