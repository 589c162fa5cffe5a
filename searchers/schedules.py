"""What changes over the epochs of a search, from its settings alone; loads no torch."""

from __future__ import annotations

import math

from oneshot_hpo.searchers.settings import SearchSettings

REFERENCE_STEPS = 13_000
"""Architecture steps of a search of NAS-Bench-1Shot1's authors: 50 epochs of 25,000 images in
batches of 96."""


def cosine_learning_rate(settings: SearchSettings, epoch: int, epochs: int) -> float:
    """SGD step in epoch 0 .. epochs - 1: half a cosine from learning_rate to learning_rate_min.

    It would reach the minimum in epoch `epochs` (Loshchilov and Hutter, 2017, equation 5).
    """
    lowest = min(settings.learning_rate_min, settings.learning_rate)
    share = (1 + math.cos(math.pi * epoch / epochs)) / 2
    return lowest + (settings.learning_rate - lowest) * share


def warms_up(settings: SearchSettings, epoch: int, epochs: int) -> bool:
    """Whether epoch 0 .. epochs - 1 trains the weights alone; the last one never does."""
    return epoch < min(settings.warmup_share * epochs, epochs - 1)


def kept_images(count: int, share: float) -> int:
    """Number of images that `train_share` leaves of a part of a data set."""
    return max(1, round(share * count))


def steps_of_epoch(images: int, batch_size: int) -> int:
    """Full batches in an epoch; one of all images where they are fewer than a batch."""
    return images // min(batch_size, images)


def architecture_rate(settings: SearchSettings, images: int, epochs: int) -> float:
    """The Adam step of the architecture, where `arch_learning_rate` may be a rule.

    Under `scaled` it is the searcher's default rate times the reference's steps over those of this
    search, so that the architecture can move as far as in a search of the reference's length.

    images: the data set's that train the weights, before `train_share`.
    """
    if not isinstance(settings.arch_learning_rate, str):
        return settings.arch_learning_rate
    default = type(settings)().arch_learning_rate
    assert isinstance(default, float)
    warm = sum(warms_up(settings, epoch, epochs) for epoch in range(epochs))
    of_epoch = steps_of_epoch(kept_images(images, settings.train_share), settings.batch_size)
    return default * REFERENCE_STEPS / ((epochs - warm) * of_epoch)
