"""Random search with weight sharing (Li and Talwalkar, UAI 2019, section 3.2)."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.own_settings import RandomWsSettings
from oneshot_hpo.searchers.sampled_searcher import SampledSearcher
from oneshot_hpo.searchers.sampling import uniform_architecture
from oneshot_hpo.searchers.settings import SearchSettings

_Settings = TypeVar("_Settings", bound=SearchSettings)


class UniformSearcher(SampledSearcher, Generic[_Settings]):
    """Trains the weights on uniformly drawn cells; it has no architecture before the end."""

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
        """The cell with the lowest error on all validation images among the best of many.

        All are ranked on the same images: on others for each, as in the authors' code, luck in
        the images decides.
        """
        settings = self._settings
        drawn = list(dict.fromkeys(self._drawn() for _ in range(settings.ranked_cells)))
        images = settings.ranked_batches * settings.batch_size
        best = _ranked(drawn, evaluation.errors(drawn, images=images))
        best = best[: settings.evaluated_cells]
        return _ranked(best, evaluation.errors(best))[0]


def _ranked(architectures: list[Architecture], errors: list[float]) -> list[Architecture]:
    """Cells by ascending error, equal ones in the order of drawing."""
    order = sorted(range(len(errors)), key=errors.__getitem__)
    return [architectures[place] for place in order]
