"""Training architectures from scratch, several side by side, for the values of a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.data.images import Images, ImageSplits
from oneshot_hpo.searchers.network.scratch import (
    EVALUATION_BATCH,
    ScratchNetworks,
    ScratchSettings,
    scratch_networks_of,
)


@dataclass(frozen=True)
class ScratchResult:
    """Correctly classified images of each of M networks, int (M,) each."""

    valid_hits: np.ndarray
    test_hits: np.ndarray


def train_from_scratch(
    space: SearchSpace,
    architectures: Sequence[Architecture],
    data: ImageSplits,
    settings: ScratchSettings,
    *,
    epochs: int,
    seed: int,
    device: str = "cpu",
) -> ScratchResult:
    """Train the networks of architectures of one `shared_shape`, evaluate them on valid and test.

    Raises ValueError for architectures of several shapes.
    """
    network = scratch_networks_of(space, architectures, data.channels, data.classes, settings)
    return train_networks(network, data, settings, epochs=epochs, seed=seed, device=device)


def train_networks(
    network: ScratchNetworks,
    data: ImageSplits,
    settings: ScratchSettings,
    *,
    epochs: int,
    seed: int,
    device: str = "cpu",
) -> ScratchResult:
    """Train networks side by side, evaluate them on valid and test.

    Adam with a cosine schedule, no augmentation; batch-norm statistics are recomputed over the
    training images before evaluation. Weights and the order of the images come from generators
    of the seed, the epochs and the first architecture.
    """
    train = data.scratch_train
    pixels = torch.from_numpy(train.images).to(device)
    labels = torch.from_numpy(train.labels).to(device)
    mean = pixels.mean((0, 2, 3), keepdim=True)
    deviation = pixels.std((0, 2, 3), keepdim=True).clamp_min(1e-6)  # a channel may be constant
    images = (pixels - mean) / deviation
    entropy = np.random.SeedSequence([seed, epochs, network.entropy])
    weights_seed, order_seed = entropy.generate_state(2, np.uint32)
    network.initialise(torch.Generator().manual_seed(int(weights_seed)))
    network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

    optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
    steps = math.ceil(len(train) / settings.batch_size) * epochs
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    order_rng = np.random.default_rng(int(order_seed))
    network.train()
    for _ in range(epochs):
        order = torch.from_numpy(order_rng.permutation(len(train))).to(device)
        for batch in order.split(settings.batch_size):
            logits = network(images[batch])
            target = labels[batch, None].expand(-1, network.count)
            loss = F.cross_entropy(logits, target, reduction="sum") / len(batch)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()

    network.recalibrate(images)
    return ScratchResult(
        valid_hits=_hits(network, data.valid, mean, deviation),
        test_hits=_hits(network, data.test, mean, deviation),
    )


def _hits(network: nn.Module, part: Images, mean: Tensor, deviation: Tensor) -> np.ndarray:
    images = torch.from_numpy(part.images).to(mean.device)
    labels = torch.from_numpy(part.labels).to(mean.device)
    hits = torch.zeros((), dtype=torch.int64, device=mean.device)
    with torch.no_grad():
        for batch, target in zip(
            images.split(EVALUATION_BATCH), labels.split(EVALUATION_BATCH), strict=True
        ):
            predicted = network((batch - mean) / deviation).argmax(1)
            hits = hits + (predicted == target[:, None]).sum(0)
    return hits.cpu().numpy()
