"""Local search (White, Nolen and Savani 2021): descend to a local minimum, begin anew."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.checks import TRUTH, setting
from oneshot_hpo.hpo.baselines.architectures import Unseen
from oneshot_hpo.hpo.baselines.checks import COUNT, check_settings
from oneshot_hpo.hpo.baselines.optimizer import Problem
from oneshot_hpo.hpo.baselines.sequential import Search, Sequential
from oneshot_hpo.hpo.baselines.warm_start import WarmStartSettings, starter


@dataclass(frozen=True, kw_only=True)
class LocalSearchSettings(WarmStartSettings):
    """Settings of local search; the defaults are those of the authors' code (naszilla)."""

    starts: int = setting(10, COUNT)
    """Architectures drawn for each descent; it starts at the best of them."""
    whole_neighbourhood: bool = setting(False, TRUTH)
    """Whether all neighbours are evaluated before a step to the best, as in the paper;
    false: a step to the first better one, in a random order."""

    def __post_init__(self) -> None:
        check_settings(self)


class LocalSearch(Sequential):
    """Descents from random starts; no architecture is evaluated twice.

    A neighbour has another value in one dimension. (The authors change one edge or one operation
    of a matrix, which is not what a configuration of these spaces is.)
    """

    def __init__(
        self,
        problem: Problem,
        settings: LocalSearchSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        self._settings = settings
        self._start = starter(problem, settings)
        super().__init__(problem, seeds)

    def _search(self, rng: np.random.Generator) -> Search:
        unseen = Unseen(self._architectures, rng)
        while True:
            place, lowest = -1, np.inf
            for architecture in self._start(unseen, self._settings.starts):
                unseen.take(architecture)
                loss = yield architecture
                if loss < lowest:
                    place, lowest = architecture, loss

            is_minimum = False
            while not is_minimum:
                is_minimum = True
                neighbours = self._architectures.neighbours(place)
                for neighbour in rng.permutation(unseen.among(neighbours)).tolist():
                    unseen.take(neighbour)
                    loss = yield neighbour
                    if loss < lowest:
                        place, lowest, is_minimum = neighbour, loss, False
                        if not self._settings.whole_neighbourhood:
                            break
