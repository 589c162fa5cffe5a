"""All scores of an architecture's untrained network."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.scratch import (
    ScratchNetworks,
    ScratchSettings,
    parameter_count,
    scratch_networks_of,
)
from oneshot_hpo.searchers.zero_cost.activations import naswot
from oneshot_hpo.searchers.zero_cost.jacobian import jacobian_covariance
from oneshot_hpo.searchers.zero_cost.nn_degree import nn_degree
from oneshot_hpo.searchers.zero_cost.saliency import gradient_norm, synflow

_OF_NETWORKS: dict[str, Callable[[ScratchNetworks, Tensor, Tensor], float]] = {
    "synflow": lambda network, images, labels: synflow(network, images),
    "naswot": lambda network, images, labels: naswot(network, images),
    "jacob_cov": lambda network, images, labels: jacobian_covariance(network, images),
    "grad_norm": gradient_norm,
}
SCORES = (*_OF_NETWORKS, "parameters", "nn_degree")
"""Their names, as columns have them."""


@dataclass(frozen=True, kw_only=True)
class ScoreSettings:
    """How networks are scored. images: of the one batch. seed: of weights and of the batch."""

    images: int = 64
    seed: int = 0


class Scorer:
    """Scores architectures of one space on one batch of training images.

    Weights have He's normal initialisation, the same numbers for networks of the same shapes; batch
    normalisation uses the batch's statistics, as in training. Raises SettingsError for a space
    whose architectures have no networks.
    """

    def __init__(
        self,
        space: SearchSpace,
        data: ImageSplits,
        network: ScratchSettings,
        settings: ScoreSettings,
        device: str = "cpu",
    ) -> None:
        self._space, self._data, self._network = space, data, network
        self._seed, self._device = settings.seed, device
        train = data.scratch_train
        order = np.random.default_rng(settings.seed).permutation(len(train))[: settings.images]
        pixels = torch.from_numpy(train.images)
        deviation = pixels.std((0, 2, 3), keepdim=True).clamp_min(1e-6)
        standardised = (pixels[order] - pixels.mean((0, 2, 3), keepdim=True)) / deviation
        self._images = standardised.to(device)
        self._labels = torch.from_numpy(train.labels[order]).to(device)

    def scores(self, architecture: Architecture) -> dict[str, float]:
        """By name, in the order of SCORES; not all need be finite."""
        data = self._data
        network = scratch_networks_of(
            self._space, [architecture], data.channels, data.classes, self._network
        )
        network.initialise(torch.Generator().manual_seed(self._seed))
        network.to(self._device).train()
        found = {
            name: score(network, self._images, self._labels) for name, score in _OF_NETWORKS.items()
        }
        found["parameters"] = parameter_count(
            self._space, architecture, data.channels, data.classes, self._network
        )
        found["nn_degree"] = nn_degree(self._space, architecture, self._network)
        return found
