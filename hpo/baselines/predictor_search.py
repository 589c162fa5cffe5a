"""The loop of methods that learn a predictor: fit it, evaluate what it ranks high, fit it again."""

from __future__ import annotations

import abc
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.checks import setting
from oneshot_hpo.hpo.baselines.architectures import Unseen
from oneshot_hpo.hpo.baselines.checks import COUNT
from oneshot_hpo.hpo.baselines.optimizer import Floats, Integers, Problem
from oneshot_hpo.hpo.baselines.sequential import Search, Sequential
from oneshot_hpo.hpo.baselines.warm_start import WarmStartSettings, starter


@dataclass(frozen=True, kw_only=True)
class PredictorSettings(WarmStartSettings):
    """Settings of the loop."""

    startup: int = setting(100, COUNT)
    """Architectures evaluated before the first fit."""
    batch: int = setting(10, COUNT)
    """Architectures evaluated after each fit."""
    repetitions: int = setting(50, COUNT)
    """Most repetitions, since each fits many predictors."""


class PredictorSearch(Sequential):
    """No architecture is evaluated twice; every fit begins from scratch, with all losses so far."""

    def __init__(
        self,
        problem: Problem,
        settings: PredictorSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        self._loop = settings
        self._start: Callable[[Unseen, int], list[int]] = starter(problem, settings)
        super().__init__(problem, seeds)

    @abc.abstractmethod
    def _predicted(self, evaluated: Integers, losses: Floats, rng: np.random.Generator) -> Floats:
        """The losses of all architectures, (U,), from those of n evaluated ones, (n,) each."""

    @abc.abstractmethod
    def _chosen(self, order: Integers, unseen: Unseen, rng: np.random.Generator) -> list[int]:
        """The next batch, from all architectures in the order of their predicted losses, (U,).

        Empty if all are evaluated.
        """

    def _search(self, rng: np.random.Generator) -> Search:
        unseen = Unseen(self._architectures, rng)
        evaluated, losses = list[int](), list[float]()
        batch = self._start(unseen, self._loop.startup)
        while True:
            for architecture in batch or unseen.sample(self._loop.batch):
                unseen.take(architecture)
                loss = yield architecture
                evaluated.append(architecture)
                losses.append(loss)

            predicted = self._predicted(np.array(evaluated), np.array(losses), rng)
            batch = self._chosen(np.argsort(predicted, kind="stable"), unseen, rng)
