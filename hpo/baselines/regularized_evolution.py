"""Regularized evolution (Real et al. 2019, Algorithm 1): the oldest of a population dies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.checks import setting
from oneshot_hpo.hpo.baselines.architectures import Architectures, Unseen
from oneshot_hpo.hpo.baselines.checks import COUNT, check_settings
from oneshot_hpo.hpo.baselines.optimizer import (
    Draws,
    Floats,
    Integers,
    Optimizer,
    Problem,
    Proposal,
)
from oneshot_hpo.hpo.baselines.warm_start import WarmStartSettings, starter


@dataclass(frozen=True, kw_only=True)
class RegularizedEvolutionSettings(WarmStartSettings):
    """Settings of regularized evolution; the defaults are those of NAS-Bench-1Shot1."""

    population: int = setting(100, COUNT)
    """P: size of the population, which starts with random configurations, or with a warm start."""
    sample: int = setting(10, COUNT)
    """S: size of a tournament, drawn with replacement; its best configuration is the parent."""

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
        # A ring buffer: the newest configuration replaces the oldest.
        shape = (self.repetitions, settings.population)
        self._population = np.zeros((*shape, len(self.choices)), np.int64)
        self._losses = np.full(shape, np.inf)
        self._count = 0
        self._rows = np.arange(self.repetitions)
        self._warm = None if settings.warm_start is None else self._warm_start(settings, seeds)

    def ask(self) -> Proposal:
        """The start until the population is full, then children."""
        if self._warm is not None and self._count < self._warm.shape[1]:
            self._child = self._warm[:, self._count]
        elif self._count < self._losses.shape[1]:
            self._child = self._draws.below(self.choices, len(self.choices))
        else:
            self._child = self._mutated(self._parents())
        return Proposal(self._child, self.problem.full)

    def tell(self, losses: Floats) -> None:
        """Replace the oldest configuration of each population by the new one."""
        place = self._count % self._losses.shape[1]
        self._population[:, place] = self._child
        self._losses[:, place] = losses
        self._count += 1

    def _warm_start(
        self, settings: WarmStartSettings, seeds: Sequence[np.random.SeedSequence]
    ) -> Integers:
        """The first configurations of each repetition, (R, P or fewer, d)."""
        architectures, start = Architectures(self.problem), starter(self.problem, settings)
        count = min(self._losses.shape[1], len(architectures))
        chosen = [
            start(Unseen(architectures, np.random.default_rng([*seed.generate_state(4)])), count)
            for seed in seeds
        ]
        return architectures.values(np.array(chosen, np.int64).reshape(len(seeds), count))

    def _parents(self) -> Integers:
        """The best of a tournament in each repetition, (R, d); ties go to the first one drawn."""
        drawn = self._draws.below(self._losses.shape[1], self._sample)
        winner = np.take_along_axis(self._losses, drawn, axis=1).argmin(axis=1)
        return self._population[self._rows, drawn[self._rows, winner]]

    def _mutated(self, parents: Integers) -> Integers:
        """Copies of the parents with one dimension changed."""
        children = parents.copy()
        (dimension,) = self._draws.below(len(self.choices), 1).T
        others = self.choices[dimension] - 1
        (step,) = self._draws.below(others[:, None], 1).T
        value = children[self._rows, dimension]
        children[self._rows, dimension] = (value + 1 + step) % (others + 1)
        return children
