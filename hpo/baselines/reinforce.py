"""REINFORCE (Williams 1992) as NAS-Bench-101 uses it: independent softmaxes, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.checks import number, setting
from oneshot_hpo.hpo.baselines.checks import check_settings
from oneshot_hpo.hpo.baselines.optimizer import (
    Draws,
    Floats,
    Optimizer,
    Problem,
    Proposal,
    draw_levels,
)


@dataclass(frozen=True, kw_only=True)
class ReinforceSettings:
    """Settings of REINFORCE; the defaults are those of NAS-Bench-1Shot1."""

    learning_rate: float = setting(0.1, number(above=0))
    """Step of gradient ascent on the logits."""
    momentum: float = setting(0.9, number(low=0, below=1))
    """Momentum of the moving average of rewards, which is the baseline."""

    def __post_init__(self) -> None:
        check_settings(self)


class Reinforce(Optimizer):
    """One categorical distribution per dimension, with zero logits at first; reward 1 - loss.

    theta += learning_rate * (reward - baseline) * grad log p(configuration), where the baseline is
    the debiased moving average of rewards, including this one (Ying et al. 2019, section 3.2 and
    their code).
    """

    def __init__(
        self,
        problem: Problem,
        settings: ReinforceSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        super().__init__(problem, seeds)
        self._draws = Draws(seeds)
        self._settings = settings
        levels = np.arange(self.choices.max())
        shape = (self.repetitions, len(self.choices), len(levels))
        # Dimensions with fewer values are padded with values of probability 0.
        self._logits = np.where(levels < self.choices[:, None], np.zeros(shape), -np.inf)
        self._levels = levels
        self._rewards = np.zeros(self.repetitions)
        self._weight = 0.0

    def ask(self) -> Proposal:
        """A draw from each repetition's policy."""
        self._probabilities = np.exp(self._logits - self._logits.max(axis=-1, keepdims=True))
        self._probabilities /= self._probabilities.sum(axis=-1, keepdims=True)
        self._drawn = draw_levels(self._probabilities, self._draws.uniform(len(self.choices)))
        return Proposal(self._drawn, self.problem.full)

    def tell(self, losses: Floats) -> None:
        """One step of gradient ascent."""
        reward, momentum = 1 - losses, self._settings.momentum
        self._rewards = momentum * self._rewards + (1 - momentum) * reward
        self._weight = momentum * self._weight + (1 - momentum)
        advantage = reward - self._rewards / self._weight
        gradient = (self._drawn[..., None] == self._levels) - self._probabilities
        self._logits += self._settings.learning_rate * advantage[:, None, None] * gradient
