"""PC-DARTS (Xu et al., ICLR 2020)."""

from __future__ import annotations

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
from oneshot_hpo.searchers.own_settings import PcDartsSettings
from oneshot_hpo.searchers.settings import SearchSettings


class PcDarts(Darts):
    """DARTS with operations that see one of k channels, and alpha frozen in the first epochs.

    Partial channels (section 3.2) are the supernet's `channel_proportion`; edge normalisation
    (section 3.3, beta) is the softmax over parents that this search space has in any case.
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        super().__init__(space, settings, device, generator)
        assert isinstance(settings, PcDartsSettings)
        self._warmup_share = settings.warmup_share
        self._warming_up = False

    def begin_epoch(self, epoch: int, epochs: int) -> None:
        """Train the weights alone in the first `warmup_share` of the epochs, not in the last."""
        self._warming_up = epoch < min(self._warmup_share * epochs, epochs - 1)

    def architecture_step(
        self, supernet: Supernet, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> Tensor | None:
        """As in DARTS, after the warm-up."""
        if self._warming_up:
            return None
        return super().architecture_step(supernet, train, valid, weights)
