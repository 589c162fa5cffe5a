"""Fewer and smaller images for a cheaper search."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from oneshot_hpo.searchers.data.images import Images, ImageSplits, photo_shift
from oneshot_hpo.searchers.schedules import kept_images


class SearchImages(NamedTuple):
    """What a search trains on.

    train, valid: for the weights and for the architecture. shift: pixels that crops may shift an
    image by; None: it is no photo.
    """

    train: Images
    valid: Images
    shift: int | None


def reduced(
    data: ImageSplits, image_size: int | None, share: float, stream: np.random.SeedSequence
) -> SearchImages:
    """The parts of a data set for a supernet, smaller.

    image_size: height and width to which all images are averaged down; None: unchanged. share:
    share of images kept in each part, at least one, drawn by `stream` and in their order.
    """
    train, valid = data.supernet_train, data.supernet_valid
    size = data.image_size if image_size is None else image_size
    if share < 1:
        rng = np.random.default_rng(stream)
        train, valid = (_drawn(part, share, rng) for part in (train, valid))
    if size != data.image_size:
        train, valid = (Images(area_averages(p.images, size), p.labels) for p in (train, valid))
    shift = photo_shift((data.channels, size), are_photos=data.shift is not None)
    return SearchImages(train, valid, shift)


def area_averages(images: np.ndarray, size: int) -> np.ndarray:
    """Images (N, C, H, H) averaged down to (N, C, size, size), size at most H.

    Each new pixel is the mean of the square that it covers, of which pixels at the edge may be
    covered in part.
    """
    height = images.shape[-1]
    bounds = np.arange(size + 1) * height / size
    pixels = np.arange(height)
    covered = np.minimum(bounds[1:, None], pixels + 1) - np.maximum(bounds[:-1, None], pixels)
    weights = (covered.clip(0) * size / height).astype(images.dtype)
    return np.ascontiguousarray(weights @ images @ weights.T)


def _drawn(part: Images, share: float, rng: np.random.Generator) -> Images:
    rows = np.sort(rng.permutation(len(part))[: kept_images(len(part), share)])
    return Images(part.images[rows], part.labels[rows])
