"""Fewer and smaller images for a cheaper search."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oneshot_hpo.searchers.data.images import Images, ImageSplits
from oneshot_hpo.searchers.schedules import kept_images


def reduced(
    data: ImageSplits, image_size: int | None, share: float, stream: np.random.SeedSequence
) -> ImageSplits:
    """A data set with smaller parts for the supernet.

    image_size: height and width to which all images are averaged down; None: unchanged. share:
    share of images kept in each of the supernet's parts, at least one, drawn by `stream` and in
    their order. The other parts keep all their images.
    """
    if image_size in (None, data.image_size) and share == 1:
        return data
    rng = np.random.default_rng(stream)
    train = _drawn(data.supernet_train, share, rng)
    valid = _drawn(data.supernet_valid, share, rng)

    smaller = replace(
        data, supernet_train=train, supernet_valid=valid, are_photos=data.shift is not None
    )
    if image_size is None:
        return smaller
    return replace(
        smaller,
        supernet_train=_averaged(train, image_size),
        supernet_valid=_averaged(valid, image_size),
        scratch_train=_averaged(data.scratch_train, image_size),
        valid=_averaged(data.valid, image_size),
        test=_averaged(data.test, image_size),
    )


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


def _averaged(part: Images, size: int) -> Images:
    return Images(area_averages(part.images, size), part.labels)
