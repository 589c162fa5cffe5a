"""What a search would end with after an epoch: an architecture, and its one-shot error."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import torch

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.perturbation import (
    DecidedNetwork,
    Perturbation,
    steps_between_decisions,
)
from oneshot_hpo.searchers.records import FOUND
from oneshot_hpo.searchers.searcher import Searcher, check_architecture
from oneshot_hpo.searchers.selection import best_of_likely
from oneshot_hpo.searchers.settings import ONE_SHOT, PERTURBATION, WEIGHTS, SearchSettings

Tune = Callable[[OneShotNetwork, int, int], None]
"""Trains a network with the supernet's weights for the step of a number, of so many."""


class OneShot(NamedTuple):
    """The fields of an epoch's record that the one-shot network gives."""

    architecture: Architecture | None
    loss: float
    error: float
    of: str
    compare_seconds: float | None = None


class Conclusion:
    """Measures the supernet after an epoch, and chooses the architecture after the last one.

    Its state is the selection by perturbation, once that was begun.
    """

    def __init__(
        self,
        settings: SearchSettings,
        space: SearchSpace,
        supernet: OneShotNetwork,
        searcher: Searcher,
        evaluation: OneShotEvaluation,
        generator: torch.Generator,
    ) -> None:
        """generator: the searcher's."""
        self._settings, self._space, self._supernet = settings, space, supernet
        self._searcher, self._evaluation, self._generator = searcher, evaluation, generator
        self._perturbation: Perturbation | None = None

    @property
    def is_begun(self) -> bool:
        """Whether the search was stopped while it chose the architecture."""
        return self._perturbation is not None

    def measured(self) -> OneShot:
        """The one-shot loss and error of the searcher's encoding, without an architecture.

        A choice that was begun is continued instead: it measures what it finds.
        """
        if self.is_begun:
            return OneShot(None, 0.0, 0.0, FOUND)
        encoding = self._searcher.evaluation_encoding()
        loss, error = self._evaluation.loss_and_error(encoding)
        return OneShot(None, loss, error, self._searcher.evaluated)

    def named(self, measured: OneShot) -> OneShot:
        """With the searcher's architecture, which may not be there if a loss is not finite."""
        if self.is_begun:
            return measured
        return measured._replace(architecture=self._searcher.architecture())

    def before_the_end(self, measured: OneShot) -> OneShot:
        """What the searcher would end with now; if it compares cells, with the found one's error.

        The searcher's generator is left as it was, so that later epochs are those of a search that
        does not compare cells in between.
        """
        started = time.perf_counter()
        before = self._generator.get_state()
        found = self._searcher.conclude(self._evaluation)
        self._generator.set_state(before)
        return self._compared(measured, found, started)

    def at_the_end(
        self, measured: OneShot, search_steps: int, tune: Tune, check_stop: Callable[[], None]
    ) -> OneShot:
        """What the search ends with, by its setting `selection`.

        check_stop: called where the choice can be interrupted; raises whatever stops the search.
        """
        started = time.perf_counter()
        selection = self._settings.selection
        found: Architecture | None
        if selection == ONE_SHOT:
            found = best_of_likely(self._searcher, self._evaluation, self._settings)
        elif selection == PERTURBATION:
            found, earlier = self._perturbed(search_steps, tune, check_stop)
            started -= earlier
        else:
            found = self._searcher.conclude(self._evaluation)
        return self._compared(measured, found, started, selection)

    def _compared(
        self,
        measured: OneShot,
        found: Architecture | None,
        started: float,
        selection: str = WEIGHTS,
    ) -> OneShot:
        check_architecture(found, self._space, may_be_absent=True)
        if found is None or (selection == WEIGHTS and not self._searcher.compares_cells):
            return measured._replace(architecture=found)
        loss, error = self._searcher.loss_and_error_of(self._evaluation, found)
        return OneShot(found, loss, error, FOUND, time.perf_counter() - started)

    def _perturbed(
        self, search_steps: int, tune: Tune, check_stop: Callable[[], None]
    ) -> tuple[Architecture, float]:
        """The architecture of DARTS-PT, and the seconds that stopped attempts took for it."""
        started = time.perf_counter()
        if self._perturbation is None:
            self._perturbation = Perturbation(self._space, self._generator)
        selection = self._perturbation
        network = DecidedNetwork(self._supernet, selection)

        earlier = selection.seconds
        for _ in selection.run(
            steps_between_decisions(self._settings, search_steps),
            lambda done, steps: tune(network, done, steps),
            self._searcher.selection_mixture,
            self._evaluation.loss_and_error,
        ):
            selection.seconds = earlier + time.perf_counter() - started
            check_stop()
        return selection.architecture(), earlier

    def state_dict(self) -> dict[str, Any]:
        """Plain values from which `load_state_dict` continues exactly; empty before the end."""
        return {} if self._perturbation is None else self._perturbation.state_dict()

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state of a search with the same settings."""
        if state:
            self._perturbation = Perturbation(self._space, torch.Generator())
            self._perturbation.load_state_dict(state)
