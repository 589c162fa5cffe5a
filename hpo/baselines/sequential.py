"""Methods whose repetitions go their own ways, each written as a generator."""

from __future__ import annotations

import abc
from collections.abc import Generator, Sequence

import numpy as np

from oneshot_hpo.hpo.baselines.architectures import Architectures
from oneshot_hpo.hpo.baselines.optimizer import Floats, Optimizer, Problem, Proposal

Search = Generator[int, float, None]
"""Yields the number of the architecture to evaluate, and is sent its loss; never ends."""


class Sequential(Optimizer):
    """Full evaluations alone; a repetition is what `_search` makes of its generator of numbers."""

    def __init__(self, problem: Problem, seeds: Sequence[np.random.SeedSequence]) -> None:
        super().__init__(problem, seeds)
        self._architectures = Architectures(problem)
        self._searches = [self._search(np.random.default_rng(seed)) for seed in seeds]
        self._losses: Floats | None = None

    def ask(self) -> Proposal:
        """The next architecture of every repetition."""
        if self._losses is None:
            chosen = [next(search) for search in self._searches]
        else:
            pairs = zip(self._searches, self._losses.tolist(), strict=True)
            chosen = [search.send(loss) for search, loss in pairs]
        return Proposal(self._architectures.values(np.array(chosen)), self.problem.full)

    def tell(self, losses: Floats) -> None:
        """Keep the losses until the next proposal, so that no model is fitted after the last."""
        self._losses = losses

    @abc.abstractmethod
    def _search(self, rng: np.random.Generator) -> Search:
        """One repetition."""
