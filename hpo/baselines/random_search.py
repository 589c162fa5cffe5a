"""Random search (Bergstra and Bengio 2012): independent uniform draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.hpo.baselines.optimizer import Draws, Floats, Optimizer, Problem, Proposal


@dataclass(frozen=True, kw_only=True)
class RandomSearchSettings:
    """Random search has no settings."""


class RandomSearch(Optimizer):
    """Uniform draws with replacement, fully evaluated."""

    def __init__(
        self,
        problem: Problem,
        settings: RandomSearchSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        super().__init__(problem, seeds)
        self._draws = Draws(seeds)

    def ask(self) -> Proposal:
        """One draw per repetition."""
        configurations = self._draws.below(self.choices, len(self.choices))
        return Proposal(configurations, self.problem.full)

    def tell(self, losses: Floats) -> None:
        """Random search learns nothing from losses."""
