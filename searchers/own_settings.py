"""The settings that single searchers add, each with its paper's default; loads no torch.

Their meaning is in the searcher's module; `tuned` ones are part of configuration space CS3.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from oneshot_hpo.checks import TRUTH, number, one_of, optional, setting, whole
from oneshot_hpo.searchers.settings import (
    COUNT,
    NOT_NEGATIVE,
    OPERATIONS,
    POSITIVE,
    RATE,
    SHARE,
    SearchSettings,
    tuned,
)

FAIRNESS = ("expectation", "strict")
"""How often a step of the weights uses each candidate: equally often on average, or exactly."""

_NO_ARCHITECTURE_OPTIMIZER = frozenset({"arch_learning_rate", "arch_weight_decay", "warmup_share"})


@dataclass(frozen=True, kw_only=True)
class SecondOrderSettings(SearchSettings):
    """Settings of DARTS, second order."""

    hessian_epsilon: float = tuned(0.01, POSITIVE, 1e-3, 1.0, log=True)
    """Length of the finite difference: weights move by it in total (DARTS, footnote 2: 0.01)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        words = "null or eigenvalue: operations are stopped in searches of first order alone"
        self._require("early_stop", self.early_stop != OPERATIONS, words)


@dataclass(frozen=True, kw_only=True)
class PcDartsSettings(SearchSettings):
    """Settings of PC-DARTS."""

    partial_channels: int = setting(4, COUNT)
    """k: operations see one of k channels; divides `channels` (PC-DARTS, section 4.2: 4)."""
    warmup_share: float = tuned(0.3, SHARE, 0.0, 0.6)
    """Share of the epochs that train the weights alone (section 4.2: 15 of 50)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        divides = self.channels % self.partial_channels == 0
        self._require("partial_channels", divides, f"a divisor of channels ({self.channels})")

    @property
    def channel_proportion(self) -> int:
        """k."""
        return self.partial_channels


@dataclass(frozen=True, kw_only=True)
class GdasSettings(SearchSettings):
    """Settings of GDAS."""

    draws_cells: ClassVar = True

    temperature_start: float = tuned(10.0, POSITIVE, 2.0, 20.0, log=True)
    """Temperature of the Gumbel softmax in the first epoch (GDAS: 10)."""
    temperature_end: float = tuned(1.0, POSITIVE, 0.1, 2.0, log=True)
    """Its temperature in the last epoch, reached linearly (NAS-Bench-1Shot1's code: 1)."""


@dataclass(frozen=True, kw_only=True)
class SnasSettings(SearchSettings):
    """Settings of SNAS."""

    draws_cells: ClassVar = True

    temperature_start: float = tuned(1.0, POSITIVE, 0.3, 10.0, log=True)
    """Temperature of the concrete distribution before the first epoch (authors' code: 1)."""
    temperature_end: float = tuned(0.03, POSITIVE, 0.01, 1.0, log=True)
    """Its temperature in the last epoch, reached linearly (authors' code: 0.03)."""


@dataclass(frozen=True, kw_only=True)
class SdartsRsSettings(SearchSettings):
    """Settings of SDARTS with random smoothing."""

    perturbation_start: float = setting(0.03, NOT_NEGATIVE)
    """Largest change of a share in the first epoch (authors' code: 0.03)."""
    perturbation_end: float = tuned(0.3, NOT_NEGATIVE, 0.03, 1.0, log=True)
    """That after the last epoch, reached linearly (the same code: 0.3)."""


@dataclass(frozen=True, kw_only=True)
class SdartsAdvSettings(SdartsRsSettings):
    """Settings of SDARTS with adversarial perturbations."""

    attack_steps: int = setting(7, COUNT)
    """Steps of projected gradient ascent that look for the worst shares (authors' code: 7)."""


@dataclass(frozen=True, kw_only=True)
class FairDartsSettings(SearchSettings):
    """Settings of FairDARTS."""

    arch_learning_rate: float | str = setting(3e-3, RATE)
    """Adam step of the architecture weights (authors' code: 0.003)."""
    zero_one_weight: float = tuned(10.0, NOT_NEGATIVE, 0.1, 100.0, log=True)
    """Weight of the loss that drives sigmoids to 0 or 1 (authors' code: 10)."""


@dataclass(frozen=True, kw_only=True)
class BaLeNasSettings(SearchSettings):
    """Settings of BaLeNAS."""

    likelihood_images: int = tuned(25_000, COUNT, 1_000, 1_000_000, log=True)
    """N: images that the likelihood counts; the more, the narrower the distribution of alpha
    (those of CIFAR-10 that train the architecture: 25,000). The prior's precision is N times
    `arch_weight_decay`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        words = "above 0: N times it is the precision of alpha's prior"
        self._require("arch_weight_decay", self.arch_weight_decay > 0, words)


@dataclass(frozen=True, kw_only=True)
class DdpNasSettings(SearchSettings):
    """Settings of DDPNAS."""

    unused: ClassVar = frozenset({"arch_learning_rate", "arch_weight_decay"})
    draws_cells: ClassVar = True

    distribution_momentum: float = tuned(0.9, number(low=0, below=1, keep=float), 0.5, 0.99)
    """Decay of what the distribution moves by (authors' configuration: 0.9)."""
    sharpness: float = tuned(100.0, POSITIVE, 10.0, 1000.0, log=True)
    """Factor of accuracies, in [0, 1], before their softmax (authors' code: 100)."""


@dataclass(frozen=True, kw_only=True)
class SampledSettings(SearchSettings):
    """Settings of searchers that train on drawn cells, and compare cells to find one.

    What comparing costs is fixed by these settings: it does not grow with the epochs.
    """

    conclude_every: int | None = setting(None, optional(COUNT, "the end alone"), before=None)
    """Compare cells after every so many epochs, too, not only after the last, so that these epochs
    have a cell. It costs their time and changes nothing else."""

    def concludes_after(self, epoch: int, epochs: int) -> bool:
        """Whether cells are compared after an epoch, 1 .. epochs."""
        every = self.conclude_every
        return epoch == epochs or (every is not None and epoch % every == 0)


@dataclass(frozen=True, kw_only=True)
class UniformSettings(SampledSettings):
    """Settings of searchers that train on uniformly drawn cells."""

    unused: ClassVar = _NO_ARCHITECTURE_OPTIMIZER
    draws_cells: ClassVar = True

    fairness: str = setting("expectation", one_of(*FAIRNESS), before="expectation")
    """expectation: a step of the weights draws one cell. strict (FairNAS, algorithm 1): it adds up
    the gradients of several cells that together use every candidate equally often, as many as
    there are candidates of a choice, and takes as many times as long."""


@dataclass(frozen=True, kw_only=True)
class RandomWsSettings(UniformSettings):
    """Settings of random search with weight sharing."""

    ranked_cells: int = tuned(1000, COUNT, 10, 1000, log=True)
    """Cells drawn at the end and ranked by their error on some batches (authors' code: 1,000)."""
    ranked_batches: int = setting(10, COUNT)
    """Number of validation batches of `batch_size` that rank them (authors' code: 10)."""
    evaluated_cells: int = setting(5, COUNT)
    """The best of those cells, evaluated on all validation images (authors' code: 5)."""


@dataclass(frozen=True, kw_only=True)
class SinglePathSettings(UniformSettings):
    """Settings of single-path one-shot with uniform sampling."""

    population: int = setting(50, COUNT)
    """Cells in a generation of the evolution (SPOS: 50)."""
    generations: int = setting(20, COUNT)
    """Generations, the first drawn at random (SPOS: 20)."""
    survivors: int = setting(10, COUNT)
    """The best cells so far, from which the next generation is bred (SPOS: 10)."""
    mutation_prob: float = tuned(0.1, SHARE, 0.02, 0.5, log=True)
    """Probability that a choice of a mutated cell is redrawn (SPOS: 0.1)."""
    refill: bool = setting(True, TRUTH, before=False)
    """Replace cells that were scored before by further children, then by random cells, so that
    every generation has its size (authors' code). Without it generations shrink."""
    scored_images: int | None = setting(8000, optional(COUNT, "all of them"), before=None)
    """Validation images, from the first, on which a cell is scored (authors' code: 8,000)."""
    recalibration_images: int = setting(512, whole(0, 1_000_000))
    """Training images whose batch-norm statistics a cell is evaluated with; 0: it is evaluated
    with those of the batch (SPOS: 20,000 of ImageNet's 1.28 million)."""


@dataclass(frozen=True, kw_only=True)
class EnasSettings(SampledSettings):
    """Settings of ENAS; the architecture's optimizer is the controller's.

    Text and code of the authors differ in the controller's optimizer and in the entropy's weight.
    The defaults are the text's, and torch's where the text says nothing.
    """

    unused: ClassVar = frozenset({"arch_weight_decay"})
    draws_cells: ClassVar = True

    arch_learning_rate: float | str = setting(3.5e-4, RATE)
    """Adam step of the controller (ENAS, section 3.2: 0.00035; authors' code: 0.0035)."""
    controller_beta1: float = setting(0.9, number(low=0, below=1, keep=float), before=0.9)
    """Adam's decay of the mean gradient (authors' code: 0)."""
    controller_epsilon: float = setting(1e-8, POSITIVE, before=1e-8)
    """What Adam adds to the root of the mean squared gradient (authors' code: 1e-3)."""
    entropy_weight: float = tuned(0.1, SHARE, 1e-4, 1.0, log=True)
    """Bonus for the entropy of a sample, in the reward (ENAS, section 3.2: 0.1; authors' code:
    0.0001)."""
    baseline_decay: float = tuned(0.99, SHARE, 0.5, 0.99)
    """Decay of the moving average that is the reward's baseline (authors' code: 0.99)."""
    sampled_cells: int = setting(1000, COUNT)
    """Cells drawn from the controller at the end and ranked by their error on some batches
    (NAS-Bench-1Shot1's code: 1,000)."""
    ranked_batches: int = setting(10, COUNT, before=1)
    """Number of validation batches of `batch_size` that rank them (the same code: 1, on which many
    cells are equal)."""
    evaluated_cells: int = setting(5, COUNT, before=1)
    """The best of those cells, evaluated on all validation images (the same code: 5)."""


@dataclass(frozen=True, kw_only=True)
class ProxylessSettings(SearchSettings):
    """Settings of ProxylessNAS."""

    draws_cells: ClassVar = True

    arch_learning_rate: float | str = setting(6e-3, RATE)
    """Adam step of the architecture weights (ProxylessNAS, section 4.1: 0.006)."""
    arch_weight_decay: float = setting(0.0, NOT_NEGATIVE)
    """L2 penalty of the architecture weights (authors' code: none)."""
    warmup_share: float = setting(0.25, SHARE, before=0.0)
    """Share of the epochs that train the weights alone (authors' code: 40, then 120)."""
