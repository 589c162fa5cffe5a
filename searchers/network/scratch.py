"""The interface of networks trained from scratch, of any search space."""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from oneshot_hpo import foreign
from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.settings import SettingsError

EVALUATION_BATCH = 100

MODULES: dict[str, str] = {
    "nasbench101": "oneshot_hpo.searchers.network.nasbench101.scratch",
    "nasbench201": "oneshot_hpo.searchers.network.nasbench201.scratch",
    "darts": "oneshot_hpo.searchers.network.darts.scratch",
}
"""By family of search spaces, a module with `networks_of`, `shared_shape`, `parameter_count`."""


@dataclass(frozen=True, kw_only=True)
class ScratchSettings:
    """How an architecture's network is trained from scratch.

    channels: of the stem and the first stack. stacks, cells_per_stack: the network's depth.
    learning_rate: Adam's, falling to 0 by a cosine over all steps. batch_size: images a step.
    """

    channels: int = 8
    stacks: int = 3
    cells_per_stack: int = 1
    learning_rate: float = 1e-2
    batch_size: int = 50


class ScratchNetworks(nn.Module):
    """The networks of M architectures, trained at once; no value passes between them.

    count: M. entropy: a number of the first architecture, from which random streams are drawn.
    Weights of M networks have their first dimension divisible by M, so that 3 and more dimensions
    tell weights from biases.
    """

    count: int
    entropy: int

    @abstractmethod
    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W), the same for all networks, to logits (B, classes, M)."""

    def initialise(self, generator: torch.Generator) -> None:
        """He's normal initialisation; batch norm starts as the identity."""
        for weight in self.parameters():
            if weight.ndim > 2:
                fan_in = weight.shape[2] if weight.ndim == 3 else weight[0].numel()
                with torch.no_grad():
                    weight.normal_(0, math.sqrt(2 / fan_in), generator=generator)

    def recalibrate(self, images: Tensor) -> None:
        """Take batch-norm statistics as the average over the images, and use them from now on."""
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.reset_running_stats()
                module.momentum = None
        with torch.no_grad():
            for batch in images.split(EVALUATION_BATCH):
                self(batch)
        self.eval()


def scratch_networks_of(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    image_channels: int,
    classes: int,
    settings: ScratchSettings,
) -> ScratchNetworks:
    """The networks of architectures with one `shared_shape`; ValueError where they have several."""
    # PyTorch's modules begin with weights of the global generator, which `initialise` replaces.
    with torch.random.fork_rng(devices=[]):
        networks: ScratchNetworks = _module(space).networks_of(
            space.complete, architectures, image_channels, classes, settings
        )
    return networks


def shared_shape(space: SearchSpace, architecture: Architecture) -> Hashable:
    """The shape shared by architectures that can be trained side by side; sortable."""
    shape: Hashable = _module(space).shared_shape(space.complete, architecture)
    return shape


def parameter_count(
    space: SearchSpace,
    architecture: Architecture,
    image_channels: int,
    classes: int,
    settings: ScratchSettings,
) -> int:
    """Trainable parameters of an architecture's network."""
    count: int = _module(space).parameter_count(
        space.complete, architecture, image_channels, classes, settings
    )
    return count


def check_trainable(space: SearchSpace) -> None:
    """Raise SettingsError for a space whose architectures cannot be trained here."""
    _module(space)


def split_networks(x: Tensor, count: int) -> Tensor:
    """(B, count * C, H, W) in the channels-last format as (B, H, W, count, C)."""
    return x.permute(0, 2, 3, 1).unflatten(3, (count, -1))


def joined_networks(x: Tensor) -> Tensor:
    """The inverse of `split_networks`."""
    return x.flatten(3).permute(0, 3, 1, 2)


def _module(space: SearchSpace) -> Any:
    """Where a space's functions are: a plug-in names its own.

    Raises SettingsError for a space whose architectures cannot be trained here.
    """
    space = space.complete
    if space.scratch is not None:
        return foreign.imported(
            space.scratch, f"the networks of {space.title} trained from scratch", trusted=True
        )
    if space.family not in MODULES:
        raise SettingsError(
            f"the architectures of {space.title} cannot be trained from scratch here"
        )
    return import_module(MODULES[space.family])
