"""The settings that single searchers add, each with its paper's default; loads no torch.

Their meaning is in the searcher's module; `tuned` ones are part of configuration space CS3.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import ClassVar

from oneshot_hpo.searchers.settings import SearchSettings, SettingsError, tuned

_NO_ARCHITECTURE_OPTIMIZER = frozenset({"arch_learning_rate", "arch_weight_decay"})


@dataclass(frozen=True, kw_only=True)
class SecondOrderSettings(SearchSettings):
    """Settings of DARTS, second order."""

    hessian_epsilon: float = tuned(0.01, 1e-3, 1.0, log=True)
    """Length of the finite difference: weights move by it in total (DARTS, footnote 2: 0.01)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("hessian_epsilon")


@dataclass(frozen=True, kw_only=True)
class PcDartsSettings(SearchSettings):
    """Settings of PC-DARTS."""

    partial_channels: int = 4
    """k: operations see one of k channels; divides `channels` (PC-DARTS, section 4.2: 4)."""
    warmup_share: float = tuned(0.3, 0.0, 0.6)
    """Share of the epochs that train the weights only (section 4.2: 15 of 50)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._counts("partial_channels")
        self._shares("warmup_share")
        if self.channels % self.partial_channels:
            raise SettingsError(
                f"search setting partial_channels must divide channels, {self.channels}, "
                f"not be {self.partial_channels}"
            )

    @property
    def channel_proportion(self) -> int:
        """k."""
        return self.partial_channels


@dataclass(frozen=True, kw_only=True)
class GdasSettings(SearchSettings):
    """Settings of GDAS."""

    temperature_start: float = tuned(10.0, 2.0, 20.0, log=True)
    """Temperature of the Gumbel softmax in the first epoch (GDAS: 10)."""
    temperature_end: float = tuned(1.0, 0.1, 2.0, log=True)
    """Its temperature in the last epoch, reached linearly (NAS-Bench-1Shot1's code: 1)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._positive("temperature_start", "temperature_end")


@dataclass(frozen=True, kw_only=True)
class RandomWsSettings(SearchSettings):
    """Settings of random search with weight sharing."""

    unused: ClassVar = _NO_ARCHITECTURE_OPTIMIZER

    ranked_cells: int = tuned(1000, 10, 1000, log=True)
    """Cells drawn at the end and ranked by their error on some batches (authors' code: 1,000)."""
    ranked_batches: int = 10
    """How many validation batches of `batch_size` rank them (authors' code: 10)."""
    evaluated_cells: int = 5
    """The best of those cells, evaluated on all validation images (authors' code: 5)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._counts("ranked_cells", "ranked_batches", "evaluated_cells")


@dataclass(frozen=True, kw_only=True)
class SinglePathSettings(SearchSettings):
    """Settings of single-path one-shot with uniform sampling."""

    unused: ClassVar = _NO_ARCHITECTURE_OPTIMIZER

    population: int = 50
    """Cells in a generation of the evolution (SPOS: 50)."""
    generations: int = 20
    """Generations, the first drawn at random (SPOS: 20)."""
    survivors: int = 10
    """The best cells so far, from which the next generation is bred (SPOS: 10)."""
    mutation_prob: float = tuned(0.1, 0.02, 0.5, log=True)
    """Chance of each choice of a mutated cell to be drawn anew (SPOS: 0.1)."""
    recalibration_images: int = 512
    """Training images whose batch-norm statistics a cell is evaluated with; 0: it is evaluated
    with those of the batch (SPOS: 20,000 of ImageNet's 1.28 million)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._counts("population", "generations", "survivors")
        self._shares("mutation_prob")
        wanted = "a whole number from 0 to 1,000,000"
        self._keep("recalibration_images", Integral, int, lambda n: 0 <= n <= 1_000_000, wanted)


@dataclass(frozen=True, kw_only=True)
class EnasSettings(SearchSettings):
    """Settings of ENAS; the architecture's optimizer is the controller's."""

    unused: ClassVar = frozenset({"arch_weight_decay"})

    arch_learning_rate: float = 3.5e-4
    """Adam step of the controller (ENAS, section 3.2: 0.00035)."""
    entropy_weight: float = tuned(0.1, 1e-4, 1.0, log=True)
    """Bonus for the entropy of a sample, in the reward (ENAS, section 3.2: 0.1)."""
    baseline_decay: float = tuned(0.99, 0.5, 0.99)
    """Decay of the moving average that is the reward's baseline (authors' code: 0.99)."""
    sampled_cells: int = 100
    """Cells drawn from the controller at the end, of which the best is taken."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self._counts("sampled_cells")
        self._shares("entropy_weight", "baseline_decay")


@dataclass(frozen=True, kw_only=True)
class ProxylessSettings(SearchSettings):
    """Settings of ProxylessNAS."""

    arch_learning_rate: float = 6e-3
    """Adam step of the architecture weights (ProxylessNAS, section 4.1: 0.006)."""
