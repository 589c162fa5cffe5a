"""How many seeds a rule needs for an effect, and how many it spends, by simulation of the test.

The difference of a pair is normal; an effect is its mean in standard deviations. The simulated test
is the real one: signed ranks against the rule's levels, look by look.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from oneshot_hpo.experiments.compare.power import MOST_SEEDS
from oneshot_hpo.experiments.compare.rank_tests import ALPHA, signed_rank_p_values
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.sequential.rule import LEAST_BLOCK, Rule, make_rule

Array = NDArray[np.float64]

TRIALS = 10_000
_VALUES = 500_000
"""The most differences drawn at once; many seeds are simulated less often."""
_FEW = 2_000
"""Trials for each effect of a search."""
_SEED = 0
_EFFICIENCY = 3 / math.pi
"""Of signed ranks against the mean, for normal differences."""
_LEAST_EFFECT, _MOST_EFFECT = 0.01, 5.0


@dataclass(frozen=True)
class Prospect:
    """What a rule does for one effect."""

    rule: Rule
    effect: float
    """Mean difference in standard deviations of a pair's difference."""
    power: float
    """The probability that a look decides."""
    mean_seeds: float
    """On average, with the effect."""
    mean_seeds_without: float
    """On average, without one."""


def stops(rule: Rule, gains: Array) -> tuple[NDArray[np.int64], Array]:
    """Seeds (trials,) at which each trial stops, and its verdict: 1, -1, or 0 if none decides.

    gains: (trials, seeds) differences without ties, at least as many seeds as the last look has.
    """
    seeds = np.full(len(gains), rule.looks[-1])
    verdicts = np.zeros(len(gains))
    going = np.ones(len(gains), bool)
    for look, level in zip(rule.looks, rule.levels, strict=True):
        seen = gains[going, :look]
        ranks = np.abs(seen).argsort(1).argsort(1) + 1
        above = (ranks * (seen > 0)).sum(1)
        decided = signed_rank_p_values(look)[above] < level

        places = np.flatnonzero(going)[decided]
        seeds[places] = look
        verdicts[places] = np.where(above[decided] > look * (look + 1) / 4, 1, -1)
        going[places] = False
    return seeds, verdicts


def prospect(rule: Rule, effect: float) -> Prospect:
    """The rule's power and mean seeds for an effect."""
    noise = _noise(rule.looks[-1])
    seeds, verdicts = stops(rule, noise + effect)
    without, _ = stops(rule, noise)
    return Prospect(
        rule, effect, float((verdicts > 0).mean()), float(seeds.mean()), float(without.mean())
    )


def seeds_for(
    effect: float, power: float, spending: str = "obrien-fleming", alpha: float = ALPHA
) -> Prospect | None:
    """The rule with the fewest seeds, in steps of 5 or 5 %, that shows the effect with this power.

    None: it takes more than MOST_SEEDS. The simulated power is above the wanted one by two of its
    standard errors.
    """
    z = float(stats.norm.ppf(1 - alpha / 2) + stats.norm.ppf(power))
    enough = (z / max(effect, _LEAST_EFFECT)) ** 2 / _EFFICIENCY
    step = max(LEAST_BLOCK, int(enough) // 20)
    most = step * int(0.9 * enough / step)
    while (most := most + step) <= MOST_SEEDS:
        try:
            rule = make_rule(most, None, spending, alpha)
        except UserError:  # too few for any decision
            continue
        found = prospect(rule, effect)
        if found.power >= power + 2 * _standard_error(power, most):
            return found
    return None


def effect_for(rule: Rule, power: float) -> float | None:
    """The smallest effect that a rule shows with this power, to a hundredth; None: none."""
    noise = _noise(rule.looks[-1])[:_FEW]
    wanted = power + 2 * math.sqrt(power * (1 - power) / len(noise))
    low, high = _LEAST_EFFECT, _MOST_EFFECT
    if (stops(rule, noise + high)[1] > 0).mean() < wanted:
        return None
    while high - low > 0.01:
        middle = (low + high) / 2
        enough = (stops(rule, noise + middle)[1] > 0).mean() >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return high


def _noise(seeds: int) -> Array:
    return np.random.default_rng([_SEED, seeds]).standard_normal((_trials(seeds), seeds))


def _trials(seeds: int) -> int:
    return min(TRIALS, max(500, _VALUES // seeds))


def _standard_error(power: float, seeds: int) -> float:
    return math.sqrt(power * (1 - power) / _trials(seeds))
