"""A tiny supernet, a batch and an optimizer, for steps of a searcher."""

import torch

from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.data.images import random_images
from oneshot_hpo.searchers.network.one_shot import supernet_of
from oneshot_hpo.searchers.registry import searcher_class, settings_class


class Steps:
    """Makes architecture steps on one fixed batch."""

    def __init__(self, name, space, *, dtype=torch.float32, seed=3, **settings):
        small = {"channels": 4, "stacks": 1, "cells_per_stack": 1, "arch_learning_rate": 0.1}
        self.space = space
        self.settings = settings_class(name)(**(small | settings))
        generator = torch.Generator().manual_seed(seed)
        data = random_images(20, 1, 8)
        self.supernet = supernet_of(space, data, self.settings, generator).to(dtype)
        images = torch.randn(20, 1, 8, 8, generator=generator).to(dtype)
        self.train = Batch(images, torch.arange(20) % 10)
        self.valid = Batch(images.flip(0) + 0.1, torch.arange(20).flip(0) % 10)
        self.weights = torch.optim.SGD(
            self.supernet.parameters(), lr=0.025, momentum=0.9, weight_decay=3e-4
        )
        self.generator = torch.Generator().manual_seed(seed + 1)
        self.searcher = searcher_class(name)(
            space, self.settings, torch.device("cpu"), self.generator
        )

    def loss(self, batch, encoding):
        logits = self.supernet(batch.images, encoding)
        return torch.nn.functional.cross_entropy(logits, batch.labels)

    def train_weights(self):
        """One step of the weights, so that there is momentum."""
        self.weights.zero_grad()
        self.loss(self.train, self.searcher.weights_encoding()).backward()
        self.weights.step()

    def step(self):
        return self.searcher.architecture_step(self.supernet, self.train, self.valid, self.weights)
