"""A sequential rule: after how many seeds pairs are tested, and at which level each time.

At a look, the test is the one that `compare` always makes of pairs, Wilcoxon's signed-rank test; a
difference is shown if its p value is below the look's level. Levels are those of a normal statistic
with the same bounds, so the test keeps its exactness for few seeds (the significance level approach
of Jennison and Turnbull 2000, section 3.8).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

from scipy.special import ndtr

from oneshot_hpo.experiments.compare.rank_tests import ALPHA, least_p_value
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.sequential.boundaries import SPENDING, boundaries
from oneshot_hpo.experiments.sequential.inference import (
    drift_at,
    repeated_p_value,
    stopped_p_value,
    two_sided_z,
)
from oneshot_hpo.hpo import ConfirmationView

MOST_SEEDS = 30
"""Seeds at the last look, by default."""
LEAST_BLOCK = 5
LOOKS = 6
"""Looks by default are at least LEAST_BLOCK seeds apart, and not more than this many."""

RESERVE = 0.94
"""Share of the level that is spent.

Sums of ranks are discrete, and their tails are not quite jointly normal: with the whole level, 19
looks up to 30 seeds decide in 5.17 % of cases without an effect, four looks in 5.05 %.
"""

NAMES = {"obrien-fleming": "O'Brien and Fleming's", "pocock": "Pocock's"}
"""Spending functions in words."""


def information(seeds: int) -> float:
    """The information of so many pairs, up to a factor.

    Without an effect, the signed-rank sums of the first n and of m > n pairs have the covariance
    n (2n + 1) (m + 1) / 6. So the statistics of all looks have exactly the correlations of a
    Brownian motion, at the times n (2n + 1) / (n + 1).
    """
    return seeds * (2 * seeds + 1) / (seeds + 1)


@dataclass(frozen=True)
class Rule:
    """A two-sided sequential test of pairs."""

    spending: str
    """One of SPENDING."""
    alpha: float
    """The level of all looks together."""
    looks: tuple[int, ...]
    """Seeds at each look, ascending; the last is the most."""

    @cached_property
    def times(self) -> list[float]:
        """The information fraction, by look."""
        return [information(seeds) / information(self.looks[-1]) for seeds in self.looks]

    @cached_property
    def bounds(self) -> list[float]:
        """The bound of the standardised statistic, by look."""
        return boundaries(self.times, RESERVE * self.alpha, self.spending)

    @cached_property
    def levels(self) -> list[float]:
        """The level of the two-sided test, by look."""
        return [float(2 * ndtr(-bound)) for bound in self.bounds]


def make_rule(
    most: int, block: int | None = None, spending: str = "obrien-fleming", alpha: float = ALPHA
) -> Rule:
    """A rule with a look after each `block` seeds, up to `most`.

    Looks at which so few pairs cannot reach the level are left out: nothing is spent on them.
    UserError: an unknown spending function, or too few seeds for any decision.
    """
    if spending not in SPENDING:
        raise UserError(f"no spending function {spending}; there are {', '.join(SPENDING)}")
    step = default_block(most) if block is None else block
    looks = [*range(step, most, step), most]
    while looks:
        rule = Rule(spending, alpha, tuple(looks))
        mute = [
            seeds
            for seeds, level in zip(looks, rule.levels, strict=True)
            if least_p_value(seeds, seeds, paired=True) >= level
        ]
        if not mute:
            return rule
        looks.remove(mute[0])
        if looks and looks[-1] != most:
            break
    raise UserError(f"{most} seeds cannot show a difference; let --max-seeds be larger")


def default_block(most: int) -> int:
    """Seeds between looks where the user sets none."""
    return max(LEAST_BLOCK, math.ceil(most / LOOKS))


def standing_of(confirmation: ConfirmationView) -> Standing | None:
    """How far the rule of a confirmation's tuned setting has come; None: it has none.

    UserError: this version does not know its spending function.
    """
    rule = confirmation.rule
    if rule is None:
        return None
    if rule.spending not in SPENDING:
        raise UserError(
            f"the confirmation shares its level by {rule.spending}, which this version does not "
            "know: update oneshot-hpo"
        )
    own = Rule(rule.spending, rule.alpha, rule.looks)
    return Standing(own, len(confirmation.looks), confirmation.next_look is None)


@dataclass(frozen=True)
class Standing:
    """How far a sequential comparison has come: its results are adjusted for that."""

    rule: Rule
    looks: int
    """Looks so far."""
    ended: bool
    """Whether a look decided, or the last one was taken."""

    @property
    def seeds(self) -> int:
        """Seeds at the last look; 0 before the first."""
        return self.rule.looks[self.looks - 1] if self.looks else 0

    @property
    def next_seeds(self) -> int | None:
        """Seeds at the next look; None: there is none."""
        return None if self.ended else self.rule.looks[self.looks]

    @property
    def level(self) -> float:
        """The level of the last look's test; 0 before the first look."""
        return self.rule.levels[self.looks - 1] if self.looks else 0.0

    def p_value(self, alone: float) -> float:
        """The two-sided p value, given that of the last look's test alone.

        It is below the rule's level exactly if a look has decided.
        """
        if not self.looks:
            return 1.0
        times, z = self.rule.times, two_sided_z(alone)
        if not self.ended:
            alpha = repeated_p_value(times, self.rule.spending, z, look=self.looks - 1)
        else:
            alpha = stopped_p_value(times[: self.looks], self.rule.bounds, z)
        return min(1.0, alpha / RESERVE)

    def one_sided(self, alone: float) -> float:
        """The p value of a one-sided test at the last look, given that of this test alone.

        It holds at every look (`repeated_p_value`): this is not the hypothesis that stops the rule.
        """
        if not self.looks or alone >= 0.5:
            return 1.0
        z = two_sided_z(2 * alone)
        alpha = repeated_p_value(
            self.rule.times, self.rule.spending, z, look=self.looks - 1, sides=1
        )
        return min(1.0, alpha / RESERVE)

    def level_at(self, alpha: float) -> float:
        """The level of the last look in a rule of another level with the same looks."""
        if not self.looks:
            return 0.0
        return Rule(self.rule.spending, alpha, self.rule.looks).levels[self.looks - 1]

    def effect(self, alone: float, correlation: float) -> tuple[float, float, float]:
        """Estimate and interval (low, high) of the rank-biserial correlation of an ended rule.

        alone, correlation: the p value of the last look's test, and its effect. The estimate is
        median unbiased, the interval of level 1 - alpha: those of the drift, divided by what a
        correlation of 1 is worth in Z. That is the signed-rank statistic's factor, or where the
        exact test says more, as it does for large effects, the ratio of Z to the correlation.
        """
        rule, n = self.rule, self.seeds
        times, z = rule.times[: self.looks], math.copysign(two_sided_z(alone), correlation)
        worth = math.sqrt(1.5 * n * (n + 1) / (2 * n + 1))
        if correlation:
            worth = max(worth, abs(z / correlation))
        rest = RESERVE * rule.alpha / 2
        ends = (0.5, rest, 1 - rest)
        found = (math.sqrt(times[-1]) * drift_at(times, rule.bounds, z, end) for end in ends)
        middle, low, high = (max(-1.0, min(1.0, value / worth)) for value in found)
        return middle, low, high
