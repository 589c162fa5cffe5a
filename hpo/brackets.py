"""Hyperband's brackets: how many runs at which budgets (Li et al. 2018, Algorithm 1)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

from oneshot_hpo.hpo.settings import CONTINUE, OptimizerSettings
from oneshot_hpo.hpo.trial import BASELINE_ID, TrialId


@dataclass(frozen=True)
class Rung:
    """One rung of a bracket."""

    budget: int | float
    """Budget of every run on this rung."""
    size: int
    """Number of configurations that run on it."""


def rung_budgets(settings: OptimizerSettings) -> tuple[int | float, ...]:
    """Budgets max_budget / eta**k, ascending to k = 0; integers where they are whole."""
    # log(243) / log(3) is 4.999…: without rounding, truncation would lose the lowest rung.
    ratio = math.log(settings.max_budget / settings.min_budget) / math.log(settings.eta)
    s_max = math.floor(round(ratio, 9))
    exact = [
        Fraction(settings.max_budget) / Fraction(settings.eta) ** k for k in range(s_max, -1, -1)
    ]
    return tuple(int(b) if b.denominator == 1 else float(b) for b in exact)


def bracket(settings: OptimizerSettings, iteration: int) -> tuple[Rung, ...]:
    """The rungs of the bracket of this iteration, lowest budget first.

    Brackets repeat in the order s = s_max, …, 0, where bracket s has s + 1 rungs. It starts with
    n = ceil((s_max + 1) / (s + 1) * eta**s) configurations (Li et al. 2018) or with HpBandSter's
    n = floor((s_max + 1) / (s + 1)) * eta**s, and floor(n / eta**i) of them are on rung i.
    """
    cycle = _cycle(settings)
    return cycle[iteration % len(cycle)]


@lru_cache(maxsize=16)
def _cycle(settings: OptimizerSettings) -> tuple[tuple[Rung, ...], ...]:
    """The distinct brackets, in order."""
    budgets = rung_budgets(settings)
    return tuple(_bracket(settings, budgets, s) for s in reversed(range(len(budgets))))


def _bracket(
    settings: OptimizerSettings, budgets: tuple[int | float, ...], s: int
) -> tuple[Rung, ...]:
    eta = Fraction(settings.eta)
    if settings.bracket_sizes == "paper":
        n = math.ceil(Fraction(len(budgets), s + 1) * eta**s)
    else:
        n = math.floor(len(budgets) // (s + 1) * eta**s)
    return tuple(
        Rung(budget, max(math.floor(n / eta**i), 1)) for i, budget in enumerate(budgets[-s - 1 :])
    )


def own_budgets(settings: OptimizerSettings, rungs: Sequence[Rung]) -> list[int | float]:
    """What a run on each rung of a bracket spends itself: where it goes on, the rest."""
    budgets = [rung.budget for rung in rungs]
    if settings.promotion != CONTINUE:
        return budgets
    return [budget - below for below, budget in itertools.pairwise([0, *budgets])]


def bracket_of(settings: OptimizerSettings, trial_id: TrialId) -> int:
    """The bracket in which a configuration runs; -1 for a default that is in none."""
    in_first = trial_id == BASELINE_ID and settings.default_budget == "min"
    return 0 if in_first else trial_id[0]


def total_evaluations(settings: OptimizerSettings) -> int:
    """Number of runs in the study: those of all brackets, and a default that is in none."""
    return planned_evaluations(settings) + (settings.default_budget == "max")


def planned_evaluations(settings: OptimizerSettings) -> int:
    """Number of runs in all brackets of the study."""
    rungs = len(rung_budgets(settings))
    sizes = [sum(rung.size for rung in bracket(settings, i)) for i in range(rungs)]
    cycles, rest = divmod(settings.iterations, rungs)
    return cycles * sum(sizes) + sum(sizes[:rest])
