"""Small searches, and single steps of a searcher, which its contract compares."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.contracts.states import state_of
from oneshot_hpo.search_spaces import SearchSpace, SpaceId, get_space
from oneshot_hpo.searchers import SearchResult, run_search
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.data.images import Images, ImageSplits
from oneshot_hpo.searchers.network.one_shot import supernet_of
from oneshot_hpo.searchers.registry import searcher_class, settings_class
from oneshot_hpo.searchers.settings import SearchSettings

_DEVICE = torch.device("cpu")


@dataclass(frozen=True)
class SmallSearch:
    """A search with everything that decides how it ends."""

    searcher: str
    space_name: SpaceId
    settings: Mapping[str, Any]
    data: ImageSplits
    epochs: int
    seed: int = 0

    @cached_property
    def space(self) -> SearchSpace:
        """The space itself."""
        return get_space(self.space_name)

    @cached_property
    def search_settings(self) -> SearchSettings:
        """The settings as the searcher takes them."""
        return settings_class(self.searcher)(**self.settings)

    @property
    def steps(self) -> int:
        """Steps of an epoch."""
        images = len(self.data.supernet_train)
        return images // min(self.search_settings.batch_size, images)

    def arguments(self) -> dict[str, Any]:
        """The arguments of `run_search`, in plain values."""
        return {
            "searcher": self.searcher,
            "space": self.space_name,
            "settings": dict(self.settings),
            "data": self.data,
            "epochs": self.epochs,
            "seed": self.seed,
        }

    def run(
        self, folder: Path | None = None, stop_asked: Callable[[], bool] = lambda: False
    ) -> SearchResult:
        """Run the search, or continue the one in a folder."""
        objects = {"space": self.space, "settings": self.search_settings}
        return run_search(**{**self.arguments(), **objects}, folder=folder, stop_asked=stop_asked)

    @cached_property
    def finished(self) -> tuple[SearchResult, dict[str, Any]]:
        """What the search ends with, and its last checkpoint; it runs once."""
        with TemporaryDirectory() as folder:
            return self.run(Path(folder)), state_of(Path(folder))


class Steps:
    """A searcher and a supernet, which make steps on one batch."""

    def __init__(self, search: SmallSearch) -> None:
        settings = search.search_settings
        self.generator = torch.Generator().manual_seed(search.seed)
        self.supernet = supernet_of(search.space, search.data, settings, self.generator)
        self.searcher = searcher_class(search.searcher)(
            search.space, settings, _DEVICE, self.generator
        )
        self.searcher.begin_epoch(1, 3)
        self._weights = torch.optim.SGD(self.supernet.parameters(), settings.learning_rate)
        self._train = Batch.of(search.data.supernet_train, _DEVICE).first(settings.batch_size)
        self._valid = Batch.of(search.data.supernet_valid, _DEVICE).first(settings.batch_size)

    def step(self) -> tuple[float | None, float]:
        """One step of the architecture and one of the weights; their losses."""
        learned = self.searcher.architecture_step(
            self.supernet, self._train, self._valid, self._weights
        )
        logits: Tensor = self.supernet(self._train.images, self.searcher.weights_encoding())
        loss = F.cross_entropy(logits, self._train.labels)
        self._weights.zero_grad()
        loss.backward()
        self._weights.step()
        return None if learned is None else learned.item(), loss.item()

    def state(self) -> dict[str, Any]:
        """All that a search would save."""
        return {
            "searcher": self.searcher.state_dict(),
            "generator": self.generator.get_state(),
            "supernet": self.supernet.state_dict(),
            "weights": self._weights.state_dict(),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Continue from a state, as a search does."""
        self.supernet.load_state_dict(state["supernet"])
        self._weights.load_state_dict(state["weights"])
        self.searcher.load_state_dict(state["searcher"])
        self.generator.set_state(state["generator"])
        self.searcher.begin_epoch(1, 3)


def small_images(count: int = 48, pixels: int = 8) -> ImageSplits:
    """Noise in ten classes, other images in every part."""
    rng = np.random.default_rng(0)

    def part() -> Images:
        labels = np.arange(count) % 10
        return Images(rng.random((count, 1, pixels, pixels), np.float32), labels.astype(np.int64))

    return ImageSplits("noise", 10, part(), part(), part(), part(), part())


def without_numbers(data: ImageSplits) -> ImageSplits:
    """The same labels, of images that are not numbers."""
    parts: dict[str, Any] = vars(data) | {
        name: Images(np.full_like(part.images, np.nan), part.labels)
        for name, part in vars(data).items()
        if isinstance(part, Images)
    }
    return ImageSplits(**{name: parts[name] for name in ImageSplits.__dataclass_fields__})
