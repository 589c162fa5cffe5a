"""SDARTS with random smoothing (Chen and Hsieh, ICML 2020): SDARTS-RS."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.own_settings import SdartsRsSettings
from oneshot_hpo.searchers.settings import SearchSettings


class SdartsRs(Darts):
    """DARTS whose weights are trained on perturbed shares, so that the loss is smooth around them.

    radius: the largest change of a share, which grows linearly over the epochs.
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        super().__init__(space, settings, device, generator)
        assert isinstance(settings, SdartsRsSettings)
        self.generator = generator
        self._first, self._last = settings.perturbation_start, settings.perturbation_end
        self.radius = self._first

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """The radius would be the last one in epoch `epochs`."""
        self.radius = self._first + (self._last - self._first) * epoch / epochs

    @torch.no_grad()
    def weights_encoding(self) -> Encoding:
        """The mixture, each share changed by a uniform draw within the radius."""
        return self.weighed(self.near(self.own_shares()), positive=False)

    @torch.no_grad()
    def evaluation_encoding(self) -> Encoding:
        """The mixture itself."""
        return self.mixture()

    def own_shares(self) -> list[Tensor]:
        """Of the mixture, constant."""
        return [self.shares(alpha.detach()) for alpha in self.alphas]

    def near(self, shares: list[Tensor]) -> list[Tensor]:
        """Shares drawn within the radius of given ones."""
        found = []
        for values in shares:
            noise = 2 * torch.rand(values.shape, generator=self.generator) - 1
            found.append(projected(values + self.radius * noise.to(values)))
        return found


def projected(values: Tensor) -> Tensor:
    """Values as shares: within [0, 1], those of a row, the last axis, sum to 1 (authors' `clip`).

    Where all of a row are zero or below, the largest has share 1.
    """
    inside = values.clamp(0, 1)
    largest = F.one_hot(values.argmax(-1), values.shape[-1]).to(values)
    inside = torch.where(inside.sum(-1, keepdim=True) == 0, largest, inside)
    return inside / inside.sum(-1, keepdim=True)
