"""What the tasks compute on: a device, and how large the searches are."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import torch

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.data.images import Images, ImageSplits, random_images
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.search_loop import Search
from oneshot_hpo.searchers.settings import SearchSettings

_SMALL: dict[str, Any] = {
    "channels": 8,
    "stacks": 2,
    "cells_per_stack": 1,
    "batch_size": 16,
    "arch_learning_rate": 1e-2,
    "ranked_cells": 6,
    "sampled_cells": 6,
    "ranked_batches": 1,
    "evaluated_cells": 2,
    "population": 4,
    "generations": 2,
    "survivors": 2,
    "scored_images": 32,
    "recalibration_images": 16,
}
"""Settings of a search of seconds, those of single searchers among them."""


@dataclass(frozen=True)
class Sizes:
    """Where and how large.

    device: as torch names it. tiny: everything as small as it can be, to test this program.
    """

    device: str
    tiny: bool

    @property
    def is_gpu(self) -> bool:
        """Whether the device is a GPU."""
        return self.device.startswith("cuda")

    @property
    def steps(self) -> int:
        """Steps between two looks at the clock."""
        return 1 if self.tiny else 8

    @property
    def rounds(self) -> int:
        """Looks at the clock; their median counts."""
        return 1 if self.tiny else 3

    @property
    def batch_size(self) -> int:
        """Images of a step (paper: 96)."""
        return 8 if self.tiny else 96

    @property
    def pixels(self) -> int:
        """Height and width of an image (CIFAR-10: 32)."""
        return 8 if self.tiny else 32

    def full_settings(self, searcher: str, **changed: Any) -> SearchSettings:
        """The defaults, which are the paper's sizes: 16 channels, 9 cells, batches of 96."""
        given: dict[str, Any] = {"crop_and_flip": True, **changed}
        if self.tiny:
            given = {"channels": 4, "stacks": 2, "cells_per_stack": 1, "batch_size": 8, **given}
        return settings_class(searcher)(**given)

    def full_search(self, searcher: str, **changed: Any) -> Search:
        """A search of those settings in space 1 on random images of two batches."""
        return self._in_space_1(searcher, self.full_settings(searcher, **changed), self.pixels)

    def proxy_search(self, searcher: str) -> Search:
        """As that one, at the size of the shipped study `cifar10-small`."""
        settings = self.full_settings(searcher, channels=8, stacks=3, cells_per_stack=1)
        return self._in_space_1(searcher, settings, min(16, self.pixels))

    def _in_space_1(self, searcher: str, settings: SearchSettings, pixels: int) -> Search:
        data = random_images(2 * self.batch_size, 3, pixels)
        return Search(searcher, settings, get_space(1), data, 1, 0, torch.device(self.device))

    def small_settings(self, searcher: str, **changed: Any) -> SearchSettings:
        """Settings of a search of seconds."""
        wanted = settings_class(searcher)
        known = {field.name for field in fields(wanted)}
        given = {name: value for name, value in _SMALL.items() if name in known}
        if self.tiny:
            given["channels"] = 4
        return wanted(**{**given, **changed})

    def small_data(self, *, double: bool = False) -> ImageSplits:
        """Random images, four batches of `small_settings`; as float64 where wanted."""
        data = random_images(64, 3, 4 if self.tiny else 8)
        if not double:
            return data
        part = Images(data.test.images.astype(np.float64), data.test.labels)
        return ImageSplits("random", 10, part, part, part, part, part)


def synchronize(device: str) -> None:
    """Wait until the device has done its work."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
