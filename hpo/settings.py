"""Settings of the optimizer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field
from typing import Literal

from oneshot_hpo.checks import check_settings, number, one_of, optional, require, setting, whole
from oneshot_hpo.hpo.errors import InvalidSettings
from oneshot_hpo.hpo.user_prior import UserPrior

BRACKET_SIZES = ("paper", "hpbandster")
GENERATORS = ("vectorised", "hpbandster")
DEFAULT_BUDGETS = ("max", "min")
TRIAL_SEEDS = ("trial", "study")
REPLICATES = ("none", "report", "model")
INCUMBENTS = ("validation", "posterior")


@dataclass(frozen=True, kw_only=True)
class OptimizerSettings:
    """Settings of BOHB (Falkner et al. 2018); the defaults are those of its authors.

    Raises InvalidSettings, which names the setting.
    """

    min_budget: int | float = setting(MISSING, number(above=0))
    """Least budget, in the study's unit (epochs); the lowest rung's is max_budget / eta**k."""
    max_budget: int | float = setting(MISSING, number(above=0, high=1e12))
    """Largest budget, that of the top rung."""
    eta: int | float = setting(3, number(low=2))
    """One of eta configurations is promoted; budgets grow by this factor."""
    iterations: int = setting(MISSING, whole(0, 1_000_000))
    """Number of brackets of successive halving; 0 evaluates the default configuration alone."""
    seed: int = setting(0, whole(0))
    """Seed of all random draws of the study."""
    trial_seed: Literal["trial", "study"] = setting("trial", one_of(*TRIAL_SEEDS))
    """Seeds of the trials: one for each trial, or one for all trials of the study."""
    default_budget: Literal["max", "min"] = setting("max", one_of(*DEFAULT_BUDGETS))
    """Where the default configuration is evaluated: at max_budget and in no bracket, or as the
    first configuration of the first bracket, at its lowest budget."""
    bracket_sizes: Literal["paper", "hpbandster"] = setting("paper", one_of(*BRACKET_SIZES))
    """Configurations per bracket: Li et al. 2018, Algorithm 1, or HpBandSter's smaller ones."""
    generator: Literal["vectorised", "hpbandster"] = setting("vectorised", one_of(*GENERATORS))
    """Source of proposals: this project's KDE generator, or HpBandSter's."""
    min_points_in_model: int | None = setting(None, optional(whole(1), "dimensions + 1"))
    """Good, and bad, observations that a model needs; None: dimensions + 1, the minimum."""
    top_n_percent: int = setting(15, whole(1, 99))
    """Percentage of the observations that count as good."""
    num_samples: int = setting(64, whole(1, 10_000))
    """Candidates drawn for one proposal."""
    random_fraction: float = setting(1 / 3, number(low=0, high=1))
    """Share of proposals drawn at random instead of from the model."""
    bandwidth_factor: float = setting(3, number(above=0, high=1000))
    """Candidates are drawn with bandwidths widened by this factor."""
    min_bandwidth: float = setting(1e-3, number(above=0, high=0.5))
    """Least bandwidth, in the unit cube."""
    replicates: Literal["none", "report", "model"] = setting("none", one_of(*REPLICATES))
    """What workers without a trial do: nothing, or run the best configurations with fresh seeds, of
    which the optimizer sees nothing, or which its model averages."""
    incumbent: Literal["validation", "posterior"] = setting("validation", one_of(*INCUMBENTS))
    """How the incumbent is chosen: by the lowest loss, or by the lowest posterior mean, for which
    replicates count."""
    user_prior: UserPrior | None = field(default=None, hash=False)
    """What the user expects to be good; None: nothing. Also as a mapping of its fields."""

    def __post_init__(self) -> None:
        check_settings(self, _refused)
        if isinstance(self.user_prior, Mapping):  # as a journal's header has it
            object.__setattr__(self, "user_prior", UserPrior(**self.user_prior))
        fits = self.user_prior is None or self.generator == "vectorised"
        require(self, "generator", fits, "vectorised with a prior of the user's", _refused)
        fits = self.replicates != "model" or self.generator == "vectorised"
        require(self, "replicates", fits, "none or report with generator hpbandster", _refused)

        most = self.max_budget
        at_most = self.min_budget <= most
        require(self, "min_budget", at_most, f"at most max_budget ({most})", _refused)
        wide = most <= 1e9 * self.min_budget
        words = f"a billionth of max_budget ({most}) at least"
        require(self, "min_budget", wide, words, _refused)

        in_a_bracket = self.default_budget == "max" or self.iterations > 0
        words = "max without brackets (iterations 0): the default is then the only evaluation"
        require(self, "default_budget", in_a_bracket, words, _refused)


def _refused(setting: str, fault: str) -> InvalidSettings:
    return InvalidSettings(f"{setting} {fault}")
