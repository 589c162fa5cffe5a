"""The hyperparameters of a one-shot search.

Old studies and checkpoints. A study and a checkpoint write out every setting that they have, so a
later default changes nothing for them. A setting that they lack came later: its field says with
`before=` what searches did before it existed. `absent_values` lists these values, `with_absent`
completes recorded settings, `to_record` writes settings so that old and new records compare. A
setting without `before` is one that every record has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, ClassVar, Self

from oneshot_hpo.checks import (
    TRUTH,
    Kind,
    check_settings,
    number,
    one_of,
    optional,
    require,
    setting,
    whole,
)
from oneshot_hpo.searchers.errors import SearchError
from oneshot_hpo.suggestions import did_you_mean


class SettingsError(SearchError, ValueError):
    """A search setting that cannot be used; the message names it."""


SUPERNETS = ("corrected", "paper")
"""The presets of the supernet; their differences are documented in its module."""

SCALED = "scaled"
"""A learning rate of the architecture by a rule: `schedules.architecture_rate`."""

WEIGHTS, ONE_SHOT, PERTURBATION = "weights", "one_shot", "perturbation"
SELECTIONS = (WEIGHTS, ONE_SHOT, PERTURBATION)
"""How a search chooses the architecture that it ends with."""

EIGENVALUE, OPERATIONS = "eigenvalue", "operations"
"""Rules of `SearchSettings.early_stop`."""

COUNT = whole(1, 1_000_000)
"""Whatever is counted; more is a slip."""
POSITIVE = number(above=0, keep=float)
NOT_NEGATIVE = number(low=0, keep=float)
SHARE = number(low=0, high=1, keep=float)
RATE = Kind(
    lambda value: value == SCALED if isinstance(value, str) else POSITIVE.test(value),
    f"a number above 0, or {SCALED}",
    lambda value: value if isinstance(value, str) else float(value),
)
_TRUE_FALSE_NULL = Kind(lambda value: value in (None, True, False), "true, false or null")


@dataclass(frozen=True)
class TunedRange:
    """The range in which a searcher's own hyperparameter is tuned, on a logarithmic scale or not.

    Whole numbers when the setting is one.
    """

    low: float
    high: float
    log: bool = False


def tuned(
    default: Any, kind: Kind, low: float, high: float, *, log: bool = False, **metadata: Any
) -> Any:
    """A searcher's own setting that configuration space CS3 tunes."""
    return setting(default, kind, tuned=TunedRange(low, high, log), **metadata)


@dataclass(frozen=True, kw_only=True)
class SearchSettings:
    """Settings of supernet and search; the defaults are those of the NAS-Bench-1Shot1 paper.

    Raises SettingsError, which names the field, for a value outside its range. Numbers are kept
    as int or float, whatever type (numpy's, say) they came in.
    """

    unused: ClassVar[frozenset[str]] = frozenset()
    """Settings that the searcher does not use, so that tuning them would change nothing."""
    draws_cells: ClassVar[bool] = False
    """Whether the searcher draws the cells that it trains, so that its validation loss is no smooth
    function of alpha, and an operation is in some steps alone."""

    supernet: str = setting("corrected", one_of(*SUPERNETS))
    """Preset of the supernet: corrected, or paper (the authors' network as it is)."""
    channels: int = setting(16, COUNT)
    """Channels of the stem and of each choice block of the first stack; doubled per stack."""
    stacks: int = setting(3, COUNT)
    """Stacks of cells; a 2 x 2 max-pooling halves the image before each but the first."""
    cells_per_stack: int = setting(3, COUNT)
    """Cells in a stack (paper: 3, 9 cells in all)."""

    batch_size: int = setting(96, COUNT)
    """Images in a step of the weights, and in one of the architecture (paper: 96)."""
    learning_rate: float = setting(0.025, POSITIVE)
    """SGD step of the weights in the first epoch (paper: 0.025), then a cosine."""
    learning_rate_min: float = setting(0.001, NOT_NEGATIVE)
    """Where the cosine ends (paper: 0.001); never above learning_rate."""
    momentum: float = setting(0.9, number(low=0, below=1, keep=float))
    """Momentum of that SGD, in [0, 1) (paper: 0.9)."""
    weight_decay: float = setting(3e-4, NOT_NEGATIVE)
    """L2 penalty of the weights (paper: 3e-4)."""
    grad_clip: float = setting(5.0, POSITIVE)
    """Largest L2 norm of the gradient of all weights (paper: 5)."""

    arch_learning_rate: float | str = setting(3e-4, RATE)
    """Adam step of the architecture weights (paper: 3e-4); scaled: the default for a search as long
    as the paper's, larger for a shorter one (`schedules.architecture_rate`)."""
    arch_weight_decay: float = setting(1e-3, NOT_NEGATIVE)
    """L2 penalty of the architecture weights (paper: 1e-3)."""
    warmup_share: float = setting(0.0, SHARE, before=0.0)
    """Share of the epochs, the first ones, that train the weights alone (paper: none)."""

    cutout_prob: float = setting(0.0, SHARE)
    """Share of images with a cutout in the last epoch, reached linearly from 0 (paper: 0)."""
    cutout_length: int = setting(16, COUNT)
    """Side of the cutout's square in pixels (paper: 16)."""
    crop_and_flip: bool | None = setting(None, _TRUE_FALSE_NULL)
    """Random 4-pixel shifts and mirror images (paper: yes). None: for 32 x 32 colour photos,
    CIFAR-100 and ImageNet16-120 only, where smaller images are shifted by an eighth of their
    height; digits must not be mirrored."""

    image_size: int | None = setting(None, optional(COUNT, "whole images"), before=None)
    """Height and width in pixels that the search averages images down to; None: as they are."""
    train_share: float = setting(1.0, number(above=0, high=1, keep=float), before=1.0)
    """Share of the training images that the search uses, of those that train the weights and of
    those that train the architecture; drawn by the search's seed."""

    selection: str = setting(WEIGHTS, one_of(*SELECTIONS), before=WEIGHTS)
    """How the search chooses the architecture after its last epoch. weights: as the searcher's
    paper does. one_shot: the one of the likeliest architectures with the lowest one-shot error.
    perturbation: DARTS-PT, choice by choice what the supernet can least do without."""
    selection_candidates: int = setting(10, COUNT, before=10)
    """one_shot: how many of the likeliest architectures are compared."""
    finetune_batches: int | None = setting(
        None, optional(whole(0, 1_000_000), "as published"), before=None
    )
    """Batches of training on inherited weights, at a tenth of `learning_rate`. one_shot: of each
    candidate before it is compared (None: 0). perturbation: of the supernet between two decisions
    (None: a twentieth of the search's steps, as authors' 5 of 100 epochs)."""

    hessian_eigenvalue: bool = setting(False, TRUTH, before=False)
    """Whether each epoch records the largest eigenvalue of the validation loss's Hessian in alpha,
    on the first `batch_size` validation images."""
    early_stop: str | None = setting(
        None, optional(one_of(EIGENVALUE, OPERATIONS), "none"), before=None
    )
    """eigenvalue: end the search where that eigenvalue grows, as RobustDARTS does; operations: end
    the training of operations that overfit, OLES; None: neither."""
    stop_growth: float = setting(4 / 3, number(above=1, keep=float), before=4 / 3)
    """eigenvalue: growth over 5 epochs at which the search ends (RobustDARTS: 1 / 0.75)."""
    stop_start: int = setting(10, whole(0, 1_000_000), before=10)
    """eigenvalue: the first epochs, to which the search never returns (authors' code: 10 of 50)."""
    stop_match: float = setting(0.4, number(low=-1, high=1, keep=float), before=0.4)
    """operations: mean cosine of the training and the validation gradient below which an operation
    is trained no more (OLES's code: 0.4)."""
    stop_steps: int = setting(20, COUNT, before=20)
    """operations: steps over which that mean is taken (OLES's code: 20)."""

    cuda_graphs: bool = setting(False, TRUTH, before=False)
    """On a GPU, record a step of each epoch as a CUDA graph and replay it: the same results,
    sooner. On a CPU nothing changes. For `registry.STATIC_STEPS`, whose steps are all alike."""

    def __post_init__(self) -> None:
        check_settings(self, self._refused)
        if self.early_stop == OPERATIONS:
            why = f"{OPERATIONS} as early_stop decides within a step what it trains"
            self._require("cuda_graphs", not self.cuda_graphs, f"false: {why}")
        if self.draws_cells:
            why = "this searcher draws a cell in each step, and has no loss that is smooth in alpha"
            self._require("hessian_eigenvalue", not self.hessian_eigenvalue, f"false: {why}")
            self._require("early_stop", self.early_stop is None, f"null: {why}")
        if self.early_stop == EIGENVALUE:
            why = f"{EIGENVALUE} as early_stop returns to the cell of an earlier epoch"
            self._require("selection", self.selection == WEIGHTS, f"{WEIGHTS}: {why}")

    def _require(self, name: str, holds: bool, words: str) -> None:
        """Raise SettingsError, naming the setting and what it must be, unless it holds."""
        require(self, name, holds, words, self._refused)

    @staticmethod
    def _refused(name: str, fault: str) -> SettingsError:
        return SettingsError(f"search setting {name} {fault}")

    @classmethod
    def own_ranges(cls) -> dict[str, TunedRange]:
        """The searcher's own hyperparameters that are tuned, by name."""
        return {f.name: f.metadata["tuned"] for f in fields(cls) if "tuned" in f.metadata}

    def concludes_after(self, epoch: int, epochs: int) -> bool:
        """Whether the searcher decides on a cell after an epoch, 1 .. epochs: after the last."""
        return epoch == epochs

    @classmethod
    def absent_values(cls) -> dict[str, Any]:
        """What a record that lacks a setting did, by the setting's name."""
        return {f.name: f.metadata["before"] for f in fields(cls) if "before" in f.metadata}

    @classmethod
    def with_absent(cls, recorded: Mapping[str, Any]) -> dict[str, Any]:
        """The settings that a study or checkpoint recorded, in its order, then those it lacks."""
        absent = cls.absent_values().items()
        return {**recorded, **{name: value for name, value in absent if name not in recorded}}

    def to_record(self) -> dict[str, Any]:
        """Plain values by name, without those that an absent setting means."""
        absent = self.absent_values()
        values = asdict(self).items()
        return {
            name: value for name, value in values if name not in absent or value != absent[name]
        }

    @property
    def has_scaled_rate(self) -> bool:
        """Whether the search learns an architecture at a rate by rule."""
        name = "arch_learning_rate"
        return self.arch_learning_rate == SCALED and name not in self.unused

    @property
    def arch_rate(self) -> float:
        """`arch_learning_rate` as the number that the search has put in place of a rule."""
        assert not isinstance(self.arch_learning_rate, str)
        return self.arch_learning_rate

    @property
    def takes_eigenvalue(self) -> bool:
        """Whether the eigenvalue is computed after each epoch."""
        return self.hessian_eigenvalue or self.early_stop == EIGENVALUE

    @property
    def channel_proportion(self) -> int:
        """k, where the operations of a choice block see one of k channels."""
        return 1

    def check_image_size(self, pixels: int) -> None:
        """Raise SettingsError for images of this height that a search cannot work with.

        They are smaller than `image_size`, the stacks would halve them to nothing, or a batch
        would be a single value a channel, which has no variance to normalise by.
        """
        if self.image_size is not None:
            self._require(
                "image_size",
                self.image_size <= pixels,
                f"{pixels} at most, the height of the images",
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
                hint = did_you_mean(str(name), names)
                raise SettingsError(f"no search setting {name!r}: {hint}")
        return replace(self, **config)
