"""The hyperparameters of a one-shot search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any, ClassVar, Self


class SettingsError(ValueError):
    """A search setting that cannot be used; the message names it."""


SUPERNETS = ("corrected", "paper")
"""The presets of the supernet; searchers.network.supernet says in what they differ."""

_MOST = 1_000_000  # of whatever is counted; more is a slip
_LARGEST = 1e300
"""Above it there may be no float."""
_COUNTS = ("channels", "stacks", "cells_per_stack", "batch_size", "cutout_length")
_POSITIVE = ("learning_rate", "grad_clip", "arch_learning_rate")
_NOT_NEGATIVE = ("learning_rate_min", "weight_decay", "arch_weight_decay")


@dataclass(frozen=True)
class TunedRange:
    """Where a searcher's own hyperparameter is tuned: [low, high], on a logarithmic scale or not.

    Whole numbers when the setting is one.
    """

    low: float
    high: float
    log: bool = False


def tuned(default: Any, low: float, high: float, *, log: bool = False) -> Any:
    """A setting of a searcher's own that configuration space CS3 tunes."""
    return field(default=default, metadata={"tuned": TunedRange(low, high, log)})


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Settings of supernet and search; the defaults are those of the NAS-Bench-1Shot1 paper.

    Raises SettingsError, which names the field, for a value outside its range. Numbers are kept
    as int or float, whatever type (numpy's, say) they came in.
    """

    unused: ClassVar[frozenset[str]] = frozenset()
    """Settings that the searcher has no use for, so that tuning them would change nothing."""

    supernet: str = "corrected"
    """Preset of the supernet: corrected, or paper (the authors' network as it is)."""
    channels: int = 16
    """Channels of the stem and of each choice block of the first stack; doubled per stack."""
    stacks: int = 3
    """Stacks of cells; a 2 x 2 max-pooling halves the image before each but the first."""
    cells_per_stack: int = 3
    """Cells in a stack (paper: 3, 9 cells in all)."""

    batch_size: int = 96
    """Images in a step of the weights, and in one of the architecture (paper: 96)."""
    learning_rate: float = 0.025
    """SGD step of the weights in the first epoch (paper: 0.025), then a cosine."""
    learning_rate_min: float = 0.001
    """Where the cosine ends (paper: 0.001); never above learning_rate."""
    momentum: float = 0.9
    """Momentum of that SGD, in [0, 1) (paper: 0.9)."""
    weight_decay: float = 3e-4
    """L2 penalty of the weights (paper: 3e-4)."""
    grad_clip: float = 5.0
    """Largest L2 norm of the gradient of all weights (paper: 5)."""

    arch_learning_rate: float = 3e-4
    """Adam step of the architecture weights (paper: 3e-4)."""
    arch_weight_decay: float = 1e-3
    """L2 penalty of the architecture weights (paper: 1e-3)."""

    cutout_prob: float = 0.0
    """Share of images with a cutout in the last epoch, reached linearly from 0 (paper: 0)."""
    cutout_length: int = 16
    """Side of the cutout's square in pixels (paper: 16)."""
    crop_and_flip: bool | None = None
    """Random 4-pixel shifts and mirror images (paper: yes). None: for 32 x 32 colour photos,
    CIFAR-100 and ImageNet16-120 only, where smaller images are shifted by an eighth of their
    height; digits must not be mirrored."""

    image_size: int | None = None
    """Height and width in pixels that the search averages images down to; None: as they are."""
    train_share: float = 1.0
    """Share of the training images that the search uses, of those that train the weights and of
    those that train the architecture; drawn by the search's seed."""

    def __post_init__(self) -> None:
        self._counts(*_COUNTS)
        self._positive(*_POSITIVE)
        for name in _NOT_NEGATIVE:
            self._keep(name, Real, float, lambda value: value >= 0, "a number from 0")
        self._keep("momentum", Real, float, lambda value: 0 <= value < 1, "a number in [0, 1)")
        self._shares("cutout_prob")
        if self.image_size is not None:
            self._counts("image_size")
        wanted = "a number above 0, at most 1"
        self._keep("train_share", Real, float, lambda value: 0 < value <= 1, wanted)
        if self.crop_and_flip not in (None, True, False):
            raise SettingsError(
                f"search setting crop_and_flip must be true, false or null, "
                f"not {self.crop_and_flip!r}"
            )
        if self.supernet not in SUPERNETS:
            raise SettingsError(
                f"search setting supernet must be {' or '.join(SUPERNETS)}, not {self.supernet!r}"
            )

    def _counts(self, *names: str) -> None:
        for name in names:
            wanted = f"a whole number from 1 to {_MOST:,}"
            self._keep(name, Integral, int, lambda value: 1 <= value <= _MOST, wanted)

    def _positive(self, *names: str) -> None:
        for name in names:
            self._keep(name, Real, float, lambda value: value > 0, "a number above 0")

    def _shares(self, *names: str) -> None:
        for name in names:
            self._keep(name, Real, float, lambda value: 0 <= value <= 1, "a number in [0, 1]")

    def _keep(self, name: str, kind: Any, convert: Any, is_valid: Any, wanted: str) -> None:
        value = getattr(self, name)
        is_number = isinstance(value, kind) and not isinstance(value, bool)
        if not is_number or not -_LARGEST <= value <= _LARGEST or not is_valid(value):
            raise SettingsError(f"search setting {name} must be {wanted}, not {value!r}")
        object.__setattr__(self, name, convert(value))

    @classmethod
    def own_ranges(cls) -> dict[str, TunedRange]:
        """The searcher's own hyperparameters that are tuned, by name."""
        return {f.name: f.metadata["tuned"] for f in fields(cls) if "tuned" in f.metadata}

    @property
    def channel_proportion(self) -> int:
        """One of how many channels the operations of a choice block see."""
        return 1

    def check_image_size(self, pixels: int) -> None:
        """Raise SettingsError for images of this height that a search cannot work with.

        They are smaller than `image_size`, the stacks would halve them to nothing, or a batch
        would be a single value a channel, which has no variance to normalise by.
        """
        if self.image_size is not None and self.image_size > pixels:
            raise SettingsError(
                f"search setting image_size must be {pixels} at most, the height of the images, "
                f"not {self.image_size}"
            )
        pixels = self.image_size or pixels
        if pixels.bit_length() < self.stacks:
            raise SettingsError(
                f"search setting stacks: {self.stacks} of them halve an image {self.stacks - 1} "
                f"times, too often for {pixels} x {pixels} pixels"
            )
        # The paper's pooling pads an image, so that one of several pixels never shrinks to one.
        last = pixels >> (self.stacks - 1) if self.supernet == "corrected" else pixels
        if self.batch_size == 1 and last == 1:
            raise SettingsError(
                "search setting batch_size must be 2 at least: one image of 1 x 1 pixels, as in "
                "the last stack, has no batch statistics"
            )

    def with_config(self, config: Mapping[str, Any]) -> Self:
        """Lay a configuration of BOHB over these settings; raises SettingsError."""
        names = [field.name for field in fields(self)]
        for name in config:
            if name not in names:
                near = get_close_matches(str(name), names, n=1)
                hint = f"; did you mean {near[0]}?" if near else f": there are {', '.join(names)}"
                raise SettingsError(f"no search setting {name!r}{hint}")
        return replace(self, **config)
