"""Single path one-shot with uniform sampling, SPOS (Guo et al., ECCV 2020)."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import TypeVar

import torch

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.own_settings import SinglePathSettings
from oneshot_hpo.searchers.random_ws import UniformSearcher

_Item = TypeVar("_Item")

_TRIES = 10  # for each cell of a generation to find one that has not been scored (authors' code)


class SinglePath(UniformSearcher[SinglePathSettings]):
    """Trains on uniform cells, then evolves cells by their one-shot error (section 3).

    Before a cell is evaluated its batch-norm statistics are calculated on training images.
    """

    def conclude(self, evaluation: OneShotEvaluation) -> Architecture:
        """Algorithm 1: half of each new generation by crossover, half by mutation.

        The survivors are the best of all generations, as in the authors' code.
        """
        settings = self._settings
        errors: dict[Architecture, float] = {}
        survivors: list[Architecture] = []
        for _ in range(settings.generations):
            new = self._generation(survivors, errors)
            if new:
                found = evaluation.errors(
                    new,
                    images=settings.scored_images,
                    recalibration_images=settings.recalibration_images,
                )
                errors.update(zip(new, found, strict=True))
            survivors = sorted(errors, key=errors.__getitem__)[: settings.survivors]
        return survivors[0]

    def loss_and_error_of(
        self, evaluation: OneShotEvaluation, architecture: Architecture
    ) -> list[float]:
        """With the batch-norm statistics that cells are compared with."""
        return evaluation.loss_and_error(
            Encoding.discrete(architecture),
            recalibration_images=self._settings.recalibration_images,
        )

    def _generation(
        self, survivors: list[Architecture], scored: Container[Architecture]
    ) -> list[Architecture]:
        """New cells, none of them scored before; the first generation, which has no parents, is
        drawn at random.

        With `refill`, duplicates are replaced as in the authors' code: by further children, then
        by random cells. The generation is smaller only where a space has hardly any cells left.
        """
        settings = self._settings
        new: dict[Architecture, None] = {}

        def add(make: Callable[[], Architecture], upto: int, tries: int) -> None:
            """Make cells until there are `upto`, or until the tries are used up."""
            while len(new) < upto and tries > 0:
                cell = make()
                if cell not in scored:
                    new[cell] = None
                tries -= 1

        size, crossed = settings.population, settings.population // 2
        each = _TRIES if settings.refill else 1
        if survivors:
            add(lambda: self._crossed(survivors), crossed, each * crossed)
            mutated = size - crossed
            add(lambda: self._mutated(survivors), len(new) + mutated, each * mutated)
        if settings.refill or not survivors:
            add(self._drawn, size, each * size)
        return list(new)

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
