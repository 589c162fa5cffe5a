"""Scores without training, alone: the best of a random pool (Mellor et al. 2021, Algorithm 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.checks import setting
from oneshot_hpo.hpo.baselines.architectures import Unseen, best_first
from oneshot_hpo.hpo.baselines.checks import COUNT, check_settings
from oneshot_hpo.hpo.baselines.optimizer import Problem
from oneshot_hpo.hpo.baselines.sequential import Search, Sequential
from oneshot_hpo.hpo.baselines.warm_start import SCORE


@dataclass(frozen=True, kw_only=True)
class ZeroCostSettings:
    """Settings of the search by a score."""

    score: str = setting("parameters", SCORE)
    """One of the problem's scores, of which larger is better."""
    pool: int = setting(1000, COUNT)
    """N: architectures drawn and scored. (The paper shows 10, 100, 500 and 1,000.)"""

    def __post_init__(self) -> None:
        check_settings(self)


class ZeroCost(Sequential):
    """The architectures of a pool, highest score first; then of another pool.

    The first evaluation is the method of the paper, which trains the best one alone. Scoring counts
    as no evaluation.
    """

    def __init__(
        self,
        problem: Problem,
        settings: ZeroCostSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        self._settings = settings
        self._score = problem.feature(settings.score)
        super().__init__(problem, seeds)

    def _search(self, rng: np.random.Generator) -> Search:
        unseen = Unseen(self._architectures, rng)
        while True:
            for architecture in best_first(unseen.sample(self._settings.pool), self._score):
                unseen.take(architecture)
                yield architecture
