"""GDAS (Dong and Yang, CVPR 2019)."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.search_spaces.choices import OPERATION
from oneshot_hpo.searchers.alpha_searcher import clipped
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.own_settings import GdasSettings
from oneshot_hpo.searchers.sampling import gumbel
from oneshot_hpo.searchers.settings import SearchSettings


class Gdas(Darts):
    """One operation per choice (one per group), drawn by the Gumbel-max trick (section 3.2).

    Only the drawn operations are computed; their weight is 1 with the gradient of the Gumbel
    softmax at the temperature of the epoch. Edges are weighted by the Gumbel softmax itself, as
    in NAS-Bench-1Shot1: drawn ones made gradients explode. One draw serves all cells of a
    forward pass. The gradient of alpha is clipped like that of the weights (same source).
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        super().__init__(space, settings, device, generator)
        assert isinstance(settings, GdasSettings)
        self._first, self._last = settings.temperature_start, settings.temperature_end
        self._clip = settings.grad_clip
        self._generator = generator
        self._temperature = self._first

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """The temperature changes linearly over the epochs."""
        share = epoch / (epochs - 1) if epochs > 1 else 0.0
        self._temperature = self._first + (self._last - self._first) * share

    def gradient(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> tuple[Tensor, list[Tensor]]:
        """As in DARTS, through one draw, and clipped."""
        loss, gradients = super().gradient(supernet, train, valid, weights)
        return loss, clipped(gradients, self._clip)

    def validation_loss(self, supernet: OneShotNetwork, valid: Batch) -> Tensor | None:
        """None: it is the loss of a draw."""
        return None

    @torch.no_grad()
    def evaluation_encoding(self) -> Encoding:
        """The most likely operations, edges at their weights without noise."""
        likeliest = [alpha.argmax(-1).tolist() for alpha in self._of_operations(self.alphas)]
        shares = [alpha.softmax(-1) for alpha in self.alphas]
        return self._encoding(likeliest, shares, lambda share: None)

    def mixture(self) -> Encoding:
        """One draw of operations and edges."""
        soft = [self._noisy(alpha) for alpha in self.alphas]
        drawn = [shares.argmax(-1).tolist() for shares in self._of_operations(soft)]
        return self._encoding(drawn, soft, _straight_through)

    def _of_operations(self, tensors: list[Tensor]) -> list[Tensor]:
        return tensors[: self.layout.operations]

    def _encoding(
        self,
        drawn: list[list[int]],
        shares: list[Tensor],
        weight: Callable[[Tensor], Weight],
    ) -> Encoding:
        """One candidate per row of operations, and the weighted candidates of all other choices.

        drawn: of each tensor of operations, the place that each row drew.
        """
        encoded = []
        for place, choice in enumerate(self._space.choices):
            if choice.kind == OPERATION and not choice.is_settled:
                found: dict[int, Weight] = {}
                for tensor, row, candidates in self.layout.rows[place]:
                    assert row is not None
                    best = drawn[tensor][row]
                    found[candidates[best]] = weight(shares[tensor][row, best])
                encoded.append(found)
            else:
                encoded.append(self.weights(place, shares))
        return Encoding(tuple(encoded))

    def _noisy(self, alpha: Tensor) -> Tensor:
        noise = gumbel(alpha.shape, self._generator).to(alpha.device)
        return ((alpha + noise) / self._temperature).softmax(-1)


def _straight_through(share: Tensor) -> Weight:
    """Exactly 1, with the gradient of the share."""
    return 1 - share.detach() + share if share.requires_grad else None
