"""Regularized evolution (Real et al. 2019, Algorithm 1): the oldest of a population dies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.checks import setting
from oneshot_hpo.hpo.baselines.checks import COUNT, check_settings
from oneshot_hpo.hpo.baselines.optimizer import (
    Draws,
    Floats,
    Integers,
    Optimizer,
    Problem,
    Proposal,
)


@dataclass(frozen=True, kw_only=True)
class RegularizedEvolutionSettings:
    """Settings of regularized evolution; the defaults are those of NAS-Bench-1Shot1."""

    population: int = setting(100, COUNT)
    """P: configurations alive, the first of them random."""
    sample: int = setting(10, COUNT)
    """S: drawn with replacement for a tournament, whose best one is the parent."""

    def __post_init__(self) -> None:
        check_settings(self)


class RegularizedEvolution(Optimizer):
    """Aging evolution without crossover.

    A child differs from its parent in one dimension, drawn uniformly, whose new value is drawn
    uniformly among the others (as in the scripts of nas_benchmarks).
    """

    def __init__(
        self,
        problem: Problem,
        settings: RegularizedEvolutionSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        super().__init__(problem, seeds)
        self._draws = Draws(seeds)
        self._sample = settings.sample
        # A ring: the newest configuration takes the place of the oldest.
        shape = (self.repetitions, settings.population)
        self._population = np.zeros((*shape, len(self.choices)), np.int64)
        self._losses = np.full(shape, np.inf)
        self._born = 0
        self._everyone = np.arange(self.repetitions)

    def ask(self) -> Proposal:
        """Random configurations until the population is full, then children."""
        if self._born < self._losses.shape[1]:
            self._child = self._draws.below(self.choices, len(self.choices))
        else:
            self._child = self._mutated(self._parents())
        return Proposal(self._child, self.problem.full)

    def tell(self, losses: Floats) -> None:
        """Children join the population; the oldest leave it."""
        place = self._born % self._losses.shape[1]
        self._population[:, place] = self._child
        self._losses[:, place] = losses
        self._born += 1

    def _parents(self) -> Integers:
        """The best of a tournament in each repetition, (R, d); of equals, the first one drawn."""
        drawn = self._draws.below(self._losses.shape[1], self._sample)
        winner = np.take_along_axis(self._losses, drawn, axis=1).argmin(axis=1)
        return self._population[self._everyone, drawn[self._everyone, winner]]

    def _mutated(self, parents: Integers) -> Integers:
        """Children: copies with one dimension changed."""
        children = parents.copy()
        (dimension,) = self._draws.below(len(self.choices), 1).T
        others = self.choices[dimension] - 1
        (step,) = self._draws.below(others[:, None], 1).T
        value = children[self._everyone, dimension]
        children[self._everyone, dimension] = (value + 1 + step) % (others + 1)
        return children
