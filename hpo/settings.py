"""Settings of the optimizer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

from oneshot_hpo.hpo.errors import InvalidSettings

BRACKET_SIZES = ("paper", "hpbandster")
GENERATORS = ("vectorised", "hpbandster")


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """Settings of BOHB (Falkner et al. 2018); the defaults are those of its authors.

    Raises InvalidSettings, which names the setting.
    """

    min_budget: int | float
    """Least budget, in the study's unit (epochs); the lowest rung's is max_budget / eta**k."""
    max_budget: int | float
    """Largest budget, that of the top rung."""
    eta: int | float = 3
    """One of eta configurations is promoted; budgets grow by this factor."""
    iterations: int
    """Number of brackets of successive halving; 0 evaluates the default configuration alone."""
    seed: int = 0
    """Seed of all random draws of the study."""
    bracket_sizes: Literal["paper", "hpbandster"] = "paper"
    """Configurations per bracket: Li et al. 2018, Algorithm 1, or HpBandSter's smaller ones."""
    generator: Literal["vectorised", "hpbandster"] = "vectorised"
    """Source of proposals: this project's KDE generator, or HpBandSter's."""
    min_points_in_model: int | None = None
    """Good, and bad, observations that a model needs; None: dimensions + 1, the minimum."""
    top_n_percent: int = 15
    """Percentage of the observations that count as good."""
    num_samples: int = 64
    """Candidates drawn for one proposal."""
    random_fraction: float = 1 / 3
    """Share of proposals drawn from the prior instead of the model."""
    bandwidth_factor: float = 3
    """Candidates are drawn with bandwidths widened by this factor."""
    min_bandwidth: float = 1e-3
    """Least bandwidth, in the unit cube."""

    def __post_init__(self) -> None:
        budgets = ("min_budget", "max_budget", "eta")
        for name in (*budgets, "random_fraction", "bandwidth_factor", "min_bandwidth"):
            self._require(name, _is_number(getattr(self, name)), "a finite number")
        for name in ("iterations", "seed", "top_n_percent", "num_samples"):
            self._require(name, _is_int(getattr(self, name)), "an integer")
        self._require("min_budget", self.min_budget > 0, "greater than 0")
        self._require("max_budget", self.max_budget <= 1e12, "at most 1e12")
        at_most = f"at most max_budget ({self.max_budget})"
        self._require("min_budget", self.min_budget <= self.max_budget, at_most)
        wide = self.max_budget <= 1e9 * self.min_budget
        self._require("min_budget", wide, f"a billionth of max_budget ({self.max_budget}) at least")
        self._require("eta", self.eta >= 2, "at least 2")
        self._require("iterations", 0 <= self.iterations <= 10**6, "between 0 and 1,000,000")
        self._require("seed", self.seed >= 0, "at least 0")
        self._require("bracket_sizes", self.bracket_sizes in BRACKET_SIZES, _one_of(BRACKET_SIZES))
        self._require("generator", self.generator in GENERATORS, _one_of(GENERATORS))
        points = self.min_points_in_model
        self._require(
            "min_points_in_model",
            points is None or (_is_int(points) and points >= 1),
            "a positive integer, or null for dimensions + 1",
        )
        self._require("top_n_percent", 1 <= self.top_n_percent <= 99, "between 1 and 99")
        self._require("num_samples", 1 <= self.num_samples <= 10**4, "between 1 and 10,000")
        self._require("random_fraction", 0 <= self.random_fraction <= 1, "between 0 and 1")
        self._require("bandwidth_factor", 0 < self.bandwidth_factor <= 1e3, "in (0, 1000]")
        self._require("min_bandwidth", 0 < self.min_bandwidth <= 0.5, "in (0, 0.5]")

    def _require(self, name: str, holds: bool, expected: str) -> None:
        if not holds:
            raise InvalidSettings(f"{name} must be {expected}, not {getattr(self, name)!r}")


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_int(value) or (isinstance(value, float) and math.isfinite(value))


def _one_of(names: tuple[str, ...]) -> str:
    return "one of " + ", ".join(names)
