"""Single path one-shot with uniform sampling, SPOS (Guo et al., ECCV 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.own_settings import SinglePathSettings
from oneshot_hpo.searchers.random_ws import UniformSearcher

_Item = TypeVar("_Item")


class SinglePath(UniformSearcher[SinglePathSettings]):
    """Trains on uniform cells, then evolves cells by their one-shot error (section 3).

    Before a cell is evaluated its batch-norm statistics are calculated on training images.
    """

    def conclude(self, evaluation: OneShotEvaluation) -> Architecture:
        """Algorithm 1: half of each new generation by crossover, half by mutation."""
        settings = self._settings
        errors: dict[Architecture, float] = {}
        survivors: list[Architecture] = []
        for generation in range(settings.generations):
            if generation == 0:
                population = [self._drawn() for _ in range(settings.population)]
            else:
                crossed = settings.population // 2
                population = [self._crossed(survivors) for _ in range(crossed)]
                mutated = settings.population - crossed
                population += [self._mutated(survivors) for _ in range(mutated)]
            new = [cell for cell in dict.fromkeys(population) if cell not in errors]
            if new:
                found = evaluation.errors(new, recalibration_images=settings.recalibration_images)
                errors.update(zip(new, found, strict=True))
            survivors = sorted(errors, key=errors.__getitem__)[: settings.survivors]
        return survivors[0]

    def _crossed(self, survivors: list[Architecture]) -> Architecture:
        """Each choice from one of two survivors, by the toss of a coin."""
        one, other = self._any(survivors), self._any(survivors)
        pairs = zip(one.picks, other.picks, strict=True)
        return Architecture(tuple(pair[self._chance(0.5)] for pair in pairs))

    def _mutated(self, survivors: list[Architecture]) -> Architecture:
        """A survivor, each of its choices redrawn with probability `mutation_prob`."""
        old, chance = self._any(survivors), self._settings.mutation_prob
        choices = zip(old.picks, self._space.choices, strict=True)
        return Architecture(
            tuple(
                self._any(choice.ways) if self._chance(chance) else kept for kept, choice in choices
            )
        )

    def _any(self, items: Sequence[_Item]) -> _Item:
        return items[int(torch.randint(len(items), (), generator=self._generator))]

    def _chance(self, probability: float) -> bool:
        return bool(torch.rand((), generator=self._generator) < probability)
