"""By how much two samples differ, and whether by less than a margin: two one-sided tests.

The difference is a shift in the unit of the values: how much lower the first sample is. Its
estimate is Hodges and Lehmann's (1963), its interval holds the shifts that the rank test of
`rank_tests` does not refuse. Two samples are the same within a margin if both one-sided tests
refuse a shift of at least the margin (Schuirmann 1987), with ranks as in Hauschke, Steinijans and
Diletti (1990).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from oneshot_hpo.experiments.compare.rank_tests import (
    ALPHA,
    independent_test,
    paired_gains,
    paired_test,
    signed_rank_tails,
)
from oneshot_hpo.experiments.sequential.rule import Standing
from oneshot_hpo.search_spaces.table import SINGLE_PRECISION

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A confidence interval."""

    low: float
    high: float


@dataclass(frozen=True)
class Equivalence:
    """Whether two samples differ by less than a margin."""

    margin: float
    """In the unit of the values, above 0."""
    no_worse: float
    """P value of the test that the first is not worse by the margin or more."""
    no_better: float
    """P value of the test that it is not better by the margin or more."""
    shift: float
    """How much lower the first is, estimated; infinite: by more than any two that did not crash."""
    interval: Interval | None
    """Of the shift, at level 1 - 2 ALPHA, as two one-sided tests of level ALPHA take it."""

    @property
    def verdict(self) -> str | None:
        """same, no worse, no better, or None: neither is shown."""
        if max(self.no_worse, self.no_better) < ALPHA:
            return "same"
        if self.no_worse < ALPHA:
            return "no worse"
        return "no better" if self.no_better < ALPHA else None


def equivalence(
    x: Array,
    y: Array,
    *,
    margin: float,
    paired: bool,
    rng: np.random.Generator,
    standing: Standing | None = None,
) -> Equivalence:
    """Both one-sided tests of finite samples (n,) and (m,), for this comparison alone.

    standing: of pairs whose number a sequential rule decided.
    """
    worse, better = (
        _one_sided(one, two, paired=paired, rng=rng)
        for one, two in ((x, y + margin), (y, x + margin))
    )
    level = 2 * ALPHA
    if standing is not None:
        worse, better = standing.one_sided(worse), standing.one_sided(better)
        level = standing.level_at(level)
    return Equivalence(
        margin, worse, better, shift(x, y, paired=paired), interval(x, y, level, paired=paired)
    )


def _one_sided(x: Array, y: Array, *, paired: bool, rng: np.random.Generator) -> float:
    if paired:
        return paired_test(paired_gains(x, y), one_sided=True)
    return independent_test(x, y, rng, one_sided=True)


def shift(x: Array, y: Array, *, paired: bool) -> float:
    """How much lower the first of two finite samples is: Hodges and Lehmann's estimate."""
    return float(np.median(_steps(x, y, paired=paired)))


def interval(x: Array, y: Array, level: float, *, paired: bool) -> Interval | None:
    """The shifts that the two-sided test does not refuse at this level; None: it refuses none.

    For independent samples it uses the normal approximation.
    """
    steps = np.sort(_steps(x, y, paired=paired))
    if paired:  # the ranks of gains above a shift sum to the number of steps above it
        refused = np.flatnonzero(signed_rank_tails(len(x)) < level / 2)
        place = len(steps) - int(refused[0]) + 1 if len(refused) else 0
    else:
        n, m = len(x), len(y)
        spread = math.sqrt(n * m * (n + m + 1) / 12)
        place = math.floor(n * m / 2 + float(stats.norm.ppf(level / 2)) * spread) if level else 0
    if place < 1:
        return None
    return Interval(float(steps[place - 1]), float(steps[-place]))


def _steps(x: Array, y: Array, *, paired: bool) -> Array:
    """Shifts at which the rank test changes: of pairs, the mean of each two differences."""
    if not paired:
        return np.subtract.outer(y, x).ravel()
    gains = paired_gains(x, y)
    rows, columns = np.triu_indices(len(gains))
    means: Array = (gains[rows] + gains[columns]) / 2
    return means


def without_crashes(found: Equivalence, farthest: float) -> Equivalence:
    """The same with infinities for shifts beyond the largest difference of two finite values."""
    return replace(
        found, shift=or_infinite(found.shift, farthest), interval=bounded(found.interval, farthest)
    )


def or_infinite(value: float, farthest: float) -> float:
    """A shift, infinite if only a crash reaches so far."""
    return math.copysign(math.inf, value) if abs(value) > farthest + SINGLE_PRECISION else value


def bounded(bounds: Interval | None, farthest: float) -> Interval | None:
    """An interval with infinite ends where only a crash reaches so far."""
    if bounds is None:
        return None
    return Interval(or_infinite(bounds.low, farthest), or_infinite(bounds.high, farthest))
