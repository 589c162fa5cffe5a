"""Random search with weight sharing (Li and Talwalkar, UAI 2019, section 3.2)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.fairness import check_fair, fair_paths
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.own_settings import RandomWsSettings, UniformSettings
from oneshot_hpo.searchers.sampled_searcher import SampledSearcher, best_of_many
from oneshot_hpo.searchers.sampling import uniform_architecture

_Settings = TypeVar("_Settings", bound=UniformSettings)


class UniformSearcher(SampledSearcher, Generic[_Settings]):
    """Trains the weights on uniformly drawn cells, one a step, or as many as fairness needs."""

    def __init__(
        self,
        space: SearchSpace,
        settings: _Settings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        self._space, self._device = space, device
        self._settings = settings
        self._generator = generator
        self._is_strict = settings.fairness == "strict"
        if self._is_strict:
            check_fair(space)

    def weights_encodings(self) -> Sequence[Encoding]:
        """One drawn cell; with strict fairness, cells that use all candidates equally often."""
        if self._is_strict:
            paths = fair_paths(self._space, self._generator)
            return [Encoding.discrete(path) for path in paths]
        return super().weights_encodings()

    def architecture_step(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> Tensor | None:
        """Nothing to learn: the distribution is uniform."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """Empty: only the generator changes, and the search keeps it."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Nothing to restore."""

    def _drawn(self) -> Architecture:
        return uniform_architecture(self._space, self._generator)


class RandomWs(UniformSearcher[RandomWsSettings]):
    """At the end many cells are ranked on some batches, the best few evaluated in full."""

    def conclude(self, evaluation: OneShotEvaluation) -> Architecture:
        """The cell with the lowest error on all validation images among the best of many."""
        settings = self._settings
        return best_of_many(
            [self._drawn() for _ in range(settings.ranked_cells)],
            evaluation,
            images=settings.ranked_batches * settings.batch_size,
            finalists=settings.evaluated_cells,
        )
