"""SNAS (Xie, Zheng, Liu and Lin, ICLR 2019), without its penalty on resources."""

from __future__ import annotations

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.alpha_searcher import clipped
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.drawn_mixture import DrawnMixture
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.own_settings import SnasSettings
from oneshot_hpo.searchers.sampling import gumbel
from oneshot_hpo.searchers.settings import SearchSettings

_MEAN, _DEVIATION = 1.0, 0.01  # of alpha at the start (authors' code)
_LARGEST_GRADIENT = 10.0  # of alpha (authors' code)


class Snas(DrawnMixture):
    """Shares are drawn from a concrete distribution, whose temperature falls.

    Alpha and the weights descend the same loss: of one draw, on training images. Validation images
    are not used.
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        super().__init__(space, settings, device, generator)
        assert isinstance(settings, SnasSettings)
        self._first, self._last = settings.temperature_start, settings.temperature_end
        self._temperature = self._first
        self._drawn: list[Tensor] | None = None  # in the architecture step before

    def new_alpha(self, *shape: int) -> Tensor:
        """Logits that are nearly equal, around 1."""
        logits = _MEAN + _DEVIATION * torch.randn(shape, generator=self._initial)
        return logits.to(self._device).requires_grad_()

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """The temperature changes linearly, and is the last one in the last epoch."""
        share = (epoch + 1) / epochs
        self._temperature = self._first + (self._last - self._first) * share

    def drawn_shares(self, alpha: Tensor) -> Tensor:
        """A draw from the concrete distribution of each row."""
        noise = gumbel(alpha.shape, self.generator).to(alpha.device)
        return ((alpha + noise) / self._temperature).softmax(-1)

    def gradient(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> tuple[Tensor, list[Tensor]]:
        """The training loss of a draw and its gradient in alpha, clipped."""
        loss, gradients = super().gradient(supernet, train, train, weights)
        return loss, clipped(gradients, _LARGEST_GRADIENT)

    def mixture(self) -> Encoding:
        """A draw, kept for the step of the weights."""
        drawn = [self.drawn_shares(alpha) for alpha in self.alphas]
        self._drawn = [shares.detach() for shares in drawn]
        return self.weighed(drawn)

    @torch.no_grad()
    def weights_encoding(self) -> Encoding:
        """The draw of the architecture step before; in the warm-up, one of its own."""
        drawn, self._drawn = self._drawn, None
        if drawn is None:
            drawn = [self.drawn_shares(alpha) for alpha in self.alphas]
        return self.weighed(drawn)

    def validation_loss(self, supernet: OneShotNetwork, valid: Batch) -> Tensor | None:
        """None: it is the loss of a draw."""
        return None
