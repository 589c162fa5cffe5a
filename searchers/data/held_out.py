"""A data set for a search whose architecture is then measured on images that it never saw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from oneshot_hpo.searchers.data.images import DatasetError, Images, ImageSplits


def held_out(data: ImageSplits) -> ImageSplits:
    """The data set without the images of `valid` in the parts that train something.

    Those are supernet_train (weights), supernet_valid (the architecture) and scratch_train. Digits
    and users' arrays have no such images, so nothing changes; CIFAR-10 lays `valid` into
    supernet_valid, which loses it. Images are compared pixel by pixel, so copies of an image are
    left out too. DatasetError: nothing is left of a part.
    """
    unseen = {image.tobytes() for image in data.valid.images}
    return replace(
        data,
        supernet_train=_without(data.name, "supernet_train", data.supernet_train, unseen),
        supernet_valid=_without(data.name, "supernet_valid", data.supernet_valid, unseen),
        scratch_train=_without(data.name, "scratch_train", data.scratch_train, unseen),
    )


def _without(dataset: str, name: str, part: Images, unseen: set[bytes]) -> Images:
    kept = np.array([image.tobytes() not in unseen for image in part.images], bool)
    if kept.all():
        return part
    if not kept.any():
        raise DatasetError(
            f"data set {dataset}: every image of {name} is in valid too, so no image is left to "
            "measure an architecture on"
        )
    return Images(part.images[kept], part.labels[kept])
