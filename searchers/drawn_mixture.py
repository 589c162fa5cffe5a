"""The base class of DARTS's relatives whose steps compute a drawn mixture."""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.settings import SearchSettings


class DrawnMixture(Darts):
    """Every candidate is computed, with random shares; one draw serves all cells of a pass.

    Steps of the weights have draws of their own. Evaluation has no noise.
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        super().__init__(space, settings, device, generator)
        self.generator = generator

    @abstractmethod
    def drawn_shares(self, alpha: Tensor) -> Tensor:
        """Shares drawn for the rows of one tensor of alphas, differentiable in it."""

    def mixture(self) -> Encoding:
        """A draw."""
        return self.weighed([self.drawn_shares(alpha) for alpha in self.alphas])

    @torch.no_grad()
    def evaluation_encoding(self) -> Encoding:
        """The mixture without noise."""
        return self._soft_mixture()

    def validation_loss(self, supernet: OneShotNetwork, valid: Batch) -> Tensor | None:
        """Of the mixture without noise."""
        return F.cross_entropy(supernet(valid.images, self._soft_mixture()), valid.labels)
