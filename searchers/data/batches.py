"""Images held on the device, and the order in which batches of them are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from oneshot_hpo.searchers.data.images import Images
from oneshot_hpo.searchers.schedules import steps_of_epoch


@dataclass(frozen=True)
class Batch:
    """Images (N, C, H, H) and their labels (N,)."""

    images: Tensor
    labels: Tensor

    @classmethod
    def of(cls, images: Images, device: torch.device) -> Batch:
        """A whole part of a data set, on the device."""
        return cls(
            torch.from_numpy(images.images).to(device), torch.from_numpy(images.labels).to(device)
        )

    def __len__(self) -> int:
        return len(self.labels)

    def rows(self, indices: Tensor) -> Batch:
        """The images with these indices."""
        return Batch(self.images[indices], self.labels[indices])

    def drawn(self, count: int, generator: torch.Generator) -> Batch:
        """Different random images, at most all of them; `generator` is on the CPU."""
        indices = torch.randperm(len(self), generator=generator)[:count]
        return self.rows(indices.to(self.labels.device))

    def first(self, count: int | None) -> Batch:
        """The first images, at most all of them; None: all."""
        return Batch(self.images[:count], self.labels[:count])


def paired_batches(
    train: Batch, valid: Batch, batch_size: int, generator: torch.Generator
) -> Iterator[tuple[Batch, Batch]]:
    """One epoch: batches of `train` in a random order, each beside a batch of `valid`.

    Batches are full, so the last train images of the order sit the epoch out; a part smaller
    than a batch gives one batch. `valid` is drawn without replacement, again when used up.
    `generator` is on the CPU.
    """
    size = min(batch_size, len(train))
    steps = steps_of_epoch(len(train), batch_size)
    train_order = torch.randperm(len(train), generator=generator)
    rounds = -(-steps * size // len(valid))
    valid_order = torch.cat(
        [torch.randperm(len(valid), generator=generator) for _ in range(rounds)]
    )
    device = train.labels.device
    train_order, valid_order = train_order.to(device), valid_order.to(device)
    for start in range(0, steps * size, size):
        step = slice(start, start + size)
        yield train.rows(train_order[step]), valid.rows(valid_order[step])
