"""FairDARTS (Chu, Zhou, Zhang and Li, ECCV 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.own_settings import FairDartsSettings
from oneshot_hpo.searchers.settings import SearchSettings


class FairDarts(Darts):
    """Each candidate has a weight of its own, the sigmoid of its alpha: none competes.

    A zero-one loss drives the sigmoids apart: minus the mean of their squared
    distances from 1/2. The strongest candidates are the architecture; the paper, in DARTS's space,
    leaves out edges below a threshold, which no architecture of our spaces can.
    """

    adam_betas: ClassVar = (0.9, 0.999)

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        super().__init__(space, settings, device, generator)
        assert isinstance(settings, FairDartsSettings)
        self._weight = settings.zero_one_weight

    def new_alpha(self, *shape: int) -> Tensor:
        """Zeros: every sigmoid is 1/2."""
        return torch.zeros(shape, device=self._device, requires_grad=True)

    def gradient(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> tuple[Tensor, list[Tensor]]:
        """Of the validation loss and the zero-one loss, added."""
        loss, gradients = super().gradient(supernet, train, valid, weights)
        own = self._weight * zero_one_loss(self.alphas)
        own_gradients = torch.autograd.grad(own, self.alphas)
        both = zip(gradients, own_gradients, strict=True)
        return loss + own.detach(), [first + second for first, second in both]

    def mixture(self) -> Encoding:
        """All candidates with their sigmoids."""
        sigmoids = self.layout.apart([alpha.sigmoid() for alpha in self.alphas])
        return Encoding(
            tuple(self._sigmoids(place, sigmoids) for place in range(len(self._space.choices)))
        )

    def strength(self, logits: Tensor, is_group: bool) -> Tensor:
        """The logits, or where groups compete their sigmoids.

        If every candidate is independently there or not, a set of them has the product of its
        candidates' odds as probability, up to a constant.
        """
        return logits.sigmoid() if is_group else logits

    def shares(self, alpha: Tensor) -> Tensor:
        """Sigmoids over their sum."""
        sigmoids = alpha.sigmoid()
        return sigmoids / sigmoids.sum(-1, keepdim=True)

    def _sigmoids(
        self, place: int, sigmoids: Sequence[Tensor | Sequence[Tensor]]
    ) -> dict[int, Weight]:
        weights: dict[int, Weight] = {}
        for row in self.layout.rows[place]:
            weights.update(zip(row.candidates, row.of(sigmoids).unbind(), strict=True))
        return weights or dict.fromkeys(self._space.choices[place].ways[0])


def zero_one_loss(alphas: Sequence[Tensor]) -> Tensor:
    """Smallest, -1/4, where all sigmoids are 0 or 1; largest, 0, where they are 1/2."""
    sigmoids = torch.cat([alpha.sigmoid().flatten() for alpha in alphas])
    return -(sigmoids - 0.5).square().mean()
