"""Training architectures from scratch, several side by side, for the values of a table."""

from __future__ import annotations

import copy
import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from oneshot_hpo.searchers.records import SearchStopped
from oneshot_hpo.searchers.stopwatch import Stopwatch


@dataclass(frozen=True)
class ScratchEpoch:
    """A finished epoch, 1 is the first: its mean training loss, and how long it took."""

    epoch: int
    train_loss: float
    seconds: float


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
    training = ScratchTraining(network, data, settings, epochs=epochs, seed=seed, device=device)
    for _ in range(epochs):
        training.run_epoch()
    return training.result()


class ScratchTraining:
    """The training of networks side by side, epoch by epoch, which can be stopped and continued."""

    def __init__(
        self,
        network: ScratchNetworks,
        data: ImageSplits,
        settings: ScratchSettings,
        *,
        epochs: int,
        seed: int,
        device: str = "cpu",
    ) -> None:
        """The arguments of `train_networks`."""
        self._network, self._data, self._batch_size = network, data, settings.batch_size
        train = data.scratch_train
        pixels = torch.from_numpy(train.images).to(device)
        self._labels = torch.from_numpy(train.labels).to(device)
        self._mean = pixels.mean((0, 2, 3), keepdim=True)
        # A channel may be constant.
        self._deviation = pixels.std((0, 2, 3), keepdim=True).clamp_min(1e-6)
        self._images = (pixels - self._mean) / self._deviation

        entropy = np.random.SeedSequence([seed, epochs, network.entropy])
        weights_seed, self._order_seed = map(int, entropy.generate_state(2, np.uint32))
        network.initialise(torch.Generator().manual_seed(weights_seed))
        network.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]

        self._optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate)
        steps = math.ceil(len(train) / settings.batch_size) * epochs
        self._schedule = torch.optim.lr_scheduler.CosineAnnealingLR(self._optimizer, steps)
        self._order = np.random.default_rng(self._order_seed)
        self._epoch, self._losses = 0, list[Tensor]()
        self._watch = Stopwatch(self._labels.device)
        network.train()

    def run_epoch(self, stop_asked: Callable[[], bool] = lambda: False) -> ScratchEpoch:
        """Train for the next epoch, or for the rest of one that was stopped.

        Raises SearchStopped after a step if `stop_asked()`.
        """
        self._watch.start()
        order = copy.deepcopy(self._order)
        batches = self._batches(order)
        for batch in itertools.islice(batches, len(self._losses), None):
            self._losses.append(self._step(batch))
            if stop_asked():
                self._watch.stop()
                raise SearchStopped(self._epoch + 1, len(self._losses))

        loss = float(torch.stack(self._losses).double().mean())
        self._epoch, self._order, self._losses = self._epoch + 1, order, []
        self._watch.stop()
        seconds = self._watch.seconds
        self._watch.reset()
        return ScratchEpoch(self._epoch, loss, seconds)

    def result(self) -> ScratchResult:
        """Evaluate the networks; no epoch can follow."""
        self._network.recalibrate(self._images)
        return ScratchResult(
            valid_hits=self._hits(self._data.valid), test_hits=self._hits(self._data.test)
        )

    def state_dict(self) -> dict[str, Any]:
        """Everything from which `load_state_dict` continues exactly."""
        return {
            "epoch": self._epoch,
            "losses": list(self._losses),
            **self._watch.state_dict(),
            "network": self._network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Restore the state of a training with the same arguments."""
        self._network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self._epoch = state["epoch"]
        self._watch.load_state_dict(state)
        self._losses = [loss.to(self._labels.device) for loss in state["losses"]]
        self._order = np.random.default_rng(self._order_seed)
        for _ in range(self._epoch):
            self._order.permutation(len(self._labels))

    def _batches(self, order: np.random.Generator) -> tuple[Tensor, ...]:
        """The places of each step's images in an epoch."""
        shuffled = torch.from_numpy(order.permutation(len(self._labels)))
        return shuffled.to(self._labels.device).split(self._batch_size)

    def _step(self, batch: Tensor) -> Tensor:
        """One step; the mean loss of the networks, on the device."""
        logits = self._network(self._images[batch])
        target = self._labels[batch, None].expand(-1, self._network.count)
        loss = F.cross_entropy(logits, target, reduction="sum") / len(batch)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self._optimizer.step()
        self._schedule.step()
        return loss.detach() / self._network.count

    def _hits(self, part: Images) -> np.ndarray:
        return _hits(self._network, part, self._mean, self._deviation)


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
