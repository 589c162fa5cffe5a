"""Trains one architecture of a supernet for some batches, on the weights that it inherits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.settings import SearchSettings

RATE_SHARE = 0.1
"""Of `learning_rate`: the SGD step of training after a search (DARTS-PT's code)."""


@dataclass(frozen=True)
class FineTuning:
    """For how many batches of a search's size an architecture is trained, at a constant rate."""

    batches: int
    settings: SearchSettings

    def train(
        self,
        network: OneShotNetwork,
        encoding: Encoding,
        images: Batch,
        normalise: Callable[[Tensor], Tensor],
    ) -> None:
        """Train the weights that an encoding uses.

        Batches are the images in their order, from the first again when they are used up, so that
        every architecture sees the same ones. They are not augmented.
        """
        settings = self.settings
        optimizer = torch.optim.SGD(
            network.parameters(),
            lr=RATE_SHARE * settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            foreach=True,
        )
        size = min(settings.batch_size, len(images))
        network.train()
        for number in range(self.batches):
            start = number * size
            rows = torch.arange(start, start + size, device=images.labels.device) % len(images)
            batch = images.rows(rows)

            loss = F.cross_entropy(network(normalise(batch.images), encoding), batch.labels)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), settings.grad_clip, foreach=True)
            optimizer.step()
