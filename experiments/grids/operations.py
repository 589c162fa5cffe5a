"""Floating-point operations of a search, counted on one step with two images."""

from __future__ import annotations

import dataclasses

import torch
from torch.utils.flop_counter import FlopCounterMode

from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.images import random_images
from oneshot_hpo.searchers.search_loop import Search

_CIFAR10 = (25_000, 3, 32)  # a study's cost can be known before its data are here
_BATCH = 2


def operations_an_epoch(spec: StudySpec) -> float:
    """Operations of the steps of weights and architecture: convolutions and products only.

    Without the evaluation after each epoch, which is forward only. Raises what the data set does.
    """
    images, channels, pixels = _CIFAR10
    if spec.dataset != "cifar10":
        part = load_dataset(spec.required_dataset).supernet_train
        images, channels, pixels = len(part), part.images.shape[1], part.images.shape[2]
    wanted = spec.search_settings
    data = random_images(_BATCH, channels, wanted.image_size or pixels)
    images = round(wanted.train_share * images)
    settings = dataclasses.replace(
        wanted, batch_size=_BATCH, cutout_prob=0.0, image_size=None, train_share=1.0
    )
    device = torch.device("cpu")
    search = Search(spec.searcher, settings, get_space(spec.required_space), data, 1, 0, device)
    batch = Batch.of(data.supernet_train, device)
    with FlopCounterMode(display=False) as counter:
        search.step(batch, batch)
    return counter.get_total_flops() / _BATCH * images
