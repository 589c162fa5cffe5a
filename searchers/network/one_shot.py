"""The interface of one-shot networks of any search space to the searchers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from importlib import import_module

import torch
from torch import Tensor, nn

from oneshot_hpo import foreign
from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.operations import Normalisation
from oneshot_hpo.searchers.settings import SearchSettings
from oneshot_hpo.searchers.supernets import SUPERNETS, check_supernet


class OneShotNetwork(nn.Module):
    """Every architecture of a search space in one network with shared weights."""

    @abstractmethod
    def forward(self, images: Tensor, encoding: Encoding) -> Tensor:
        """Images (N, in_channels, H, H), normalised, to logits (N, classes)."""

    def operation_units(self) -> dict[str, Tensor]:
        """The operations that weights belong to, by name of the parameter.

        A number from 0 for each operation of each edge or block of each cell, int64 in a shape that
        broadcasts to the parameter's. Parameters of no operation, and operations without
        parameters, are left out.
        """
        return {}

    def keep_statistics(self, momentum: float) -> None:
        """Forget running batch-norm statistics; keep them from now on, and evaluate with them."""
        weight = next(self.parameters())
        for module in self.modules():
            if isinstance(module, Normalisation):
                module.keep_statistics(momentum, weight)

    @torch.no_grad()
    def wrong_labels(
        self,
        architectures: Sequence[Architecture],
        images: Sequence[Batch],
        calibration: Tensor | None = None,
    ) -> Tensor:
        """Number of wrong labels of each architecture, float64 (architectures,), on the device.

        images: batches, normalised. calibration: images (N, C, H, H), normalised, whose batch-norm
        statistics each architecture uses, in a network that keeps them with momentum 1; None:
        those of the batch, or the running ones of a network that keeps them. The network is in
        evaluation mode before and after.
        """
        device = images[0].labels.device
        totals = torch.zeros(len(architectures), dtype=torch.float64, device=device)

        for place, architecture in enumerate(architectures):
            encoding = Encoding.discrete(architecture)
            if calibration is not None:
                self.train()
                self(calibration, encoding)
                self.eval()
            for batch in images:
                found = self(batch.images, encoding).argmax(1)
                totals[place] += (found != batch.labels).sum()
        return totals


def supernet_of(
    space: SearchSpace,
    data: ImageSplits,
    settings: SearchSettings,
    generator: torch.Generator,
) -> OneShotNetwork:
    """The supernet of a space, on the CPU.

    generator: draws the initial weights, the same for every device. Raises SettingsError for a
    space without a supernet, or for settings that its supernet cannot be made with.
    """
    check_supernet(space, settings)
    network: OneShotNetwork = _maker(space.complete)(space.complete, data, settings, generator)
    if space.complete.supernet is not None:
        foreign.made(network, OneShotNetwork, f"the supernet of {space.title}")
    return network


def _maker(space: SearchSpace) -> Callable[..., OneShotNetwork]:
    """The function that makes a space's supernet: a plug-in names its own."""
    made: Callable[..., OneShotNetwork]
    if space.supernet is not None:
        what = f"the supernet of {space.title}"
        made = foreign.imported(space.supernet, what, trusted=True)
    else:
        module, function = SUPERNETS[space.family].target.split(":")
        made = getattr(import_module(module), function)
    return made
