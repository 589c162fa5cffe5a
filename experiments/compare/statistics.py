"""Two samples of regrets: intervals, a test, its effect size, and how many seeds would decide.

Regrets are numbers from 0, lower is better; infinity is a search that crashed, worse than any
other. Of two samples the first is the one of which something is said.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

ALPHA = 0.05
"""Level of tests; intervals cover 1 - ALPHA."""
POWER = 0.8
"""Chance to decide that a number of seeds is to give."""
LEAST_SEEDS = 6
"""With fewer, no order of the values is rarer than ALPHA: 2 / 2**5 is 0.0625 (sign test)."""
MOST_SEEDS = 1000
"""A number of seeds above is not worth naming."""
_RESAMPLES = 9999
_SMALL = 20  # values in two samples together, up to which permutations stand in for a normal law


@dataclass(frozen=True)
class Interval:
    """A confidence interval of 1 - ALPHA."""

    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """What two samples say of each other."""

    pairs: int | None
    """Pairs with the same seed; None: the samples are independent."""
    sizes: tuple[int, int]
    """How many values of each were used."""
    ratio: float
    """Median regret of the second over that of the first: above 1 where the first is better."""
    ratio_interval: Interval | None
    """Of the ratio; None with fewer than LEAST_SEEDS values."""
    wins: int
    """Pairs (all pairs of independent samples) in which the first is better."""
    losses: int
    """Pairs in which it is worse."""
    effect: float
    """Rank-biserial correlation in [-1, 1], above 0 where the first is better (Kerby 2014)."""
    p_value: float
    """Two-sided: Wilcoxon's signed-rank test of pairs, else Mann and Whitney's.

    With several tests, it is one that holds for all of them together."""
    tests: int
    """How many tests these are."""
    needed: int | None
    """Seeds of each with which a difference like this one would be shown with POWER; see
    `seeds_needed`."""

    @property
    def shown(self) -> bool:
        """Whether there is a difference, at level ALPHA."""
        return self.p_value < ALPHA

    @property
    def verdict(self) -> str:
        """better, worse, or not shown."""
        if not self.shown:
            return "not shown"
        return "better" if self.effect > 0 else "worse"


@dataclass(frozen=True)
class Question:
    """Two samples that are to be compared."""

    first: Array
    """(n,)"""
    second: Array
    """(m,)"""
    paired: bool
    """Whether values of one place belong together; n is m then."""
    second_grows: bool = True
    """Whether the second sample would get as many seeds more as the first one."""


def compare_all(questions: Sequence[Question], seed: int) -> list[Comparison]:
    """Compare several pairs of samples; p values hold for all of them together (`holm`).

    seed: of bootstraps and permutations, anew for each pair: equal pairs have equal answers.
    """
    tests = len(questions)
    found = [
        compare(
            question.first,
            question.second,
            paired=question.paired,
            rng=np.random.default_rng(seed),
            second_grows=question.second_grows,
            tests=tests,
        )
        for question in questions
    ]
    adjusted = holm([comparison.p_value for comparison in found])
    return [replace(one, p_value=float(p)) for one, p in zip(found, adjusted, strict=True)]


def compare(
    first: Sequence[float] | Array,
    second: Sequence[float] | Array,
    *,
    paired: bool,
    rng: np.random.Generator,
    second_grows: bool = True,
    tests: int = 1,
) -> Comparison:
    """Compare two samples, (n,) and (m,); for the parameters see Question and Comparison.

    The p value is that of this test alone. Raises ValueError for an empty sample.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    if not len(a) or not len(b) or (paired and len(a) != len(b)):
        raise ValueError(f"samples of {len(a)} and {len(b)} values cannot be compared")
    # Ranks are all that counts from here on, and an infinity less another one has none.
    finite = np.concatenate([a, b])[np.isfinite(np.concatenate([a, b]))]
    worst = 1 + 2 * finite.max(initial=0.0)
    x, y = np.minimum(a, worst), np.minimum(b, worst)
    gains = y - x if paired else np.subtract.outer(y, x).ravel()
    effect = _signed_rank_effect(gains) if paired else float(np.sign(gains).mean())
    return Comparison(
        pairs=len(a) if paired else None,
        sizes=(len(a), len(b)),
        ratio=float(_ratio(a, b)),
        ratio_interval=_interval((a, b), _ratio, paired, rng),
        wins=int((gains > 0).sum()),
        losses=int((gains < 0).sum()),
        effect=effect,
        p_value=paired_test(gains) if paired else independent_test(x, y, rng),
        tests=tests,
        needed=seeds_needed(x, y, paired=paired, second_grows=second_grows, tests=tests),
    )


def median_interval(values: Sequence[float] | Array, rng: np.random.Generator) -> Interval | None:
    """The bootstrap's BCa interval of the median; None with fewer than LEAST_SEEDS values."""
    return _interval((np.asarray(values, float),), np.median, False, rng)


def seeds_needed(
    x: Array, y: Array, *, paired: bool, second_grows: bool = True, tests: int = 1
) -> int | None:
    """Seeds of each sample with which the difference seen would be shown with POWER.

    Noether (1987, J. Am. Stat. Assoc. 82, 645): (z_alpha + z_beta)**2 / (3 (p - 1/2)**2) pairs,
    where p is the chance that the sum of two differences is above 0; and for independent samples
    of n and m, 1/n + 1/m = 12 (p - 1/2)**2 / (z_alpha + z_beta)**2, where p is the chance that a
    value of one is below one of the other. Of several tests each has a share of alpha.

    None: more than MOST_SEEDS, or no number, is enough.
    """
    z = (stats.norm.ppf(1 - ALPHA / tests / 2) + stats.norm.ppf(POWER)) ** 2
    if paired:
        gains = y - x
        sums = np.add.outer(gains, gains)[np.triu_indices(len(gains), 1)]
        if not len(sums):
            return None
        share = (np.sign(sums).mean() / 2) ** 2
        needed = z / (3 * share) if share else math.inf
    else:
        share = (np.sign(np.subtract.outer(y, x)).mean() / 2) ** 2
        rest = 12 * share / z - (0 if second_grows else 1 / len(y))
        needed = (2 if second_grows else 1) / rest if rest > 0 else math.inf
    return None if needed > MOST_SEEDS else max(LEAST_SEEDS, math.ceil(needed))


def holm(p_values: Sequence[float]) -> Array:
    """P values that hold for all of several tests together (Holm 1979)."""
    values = np.asarray(p_values, float)
    order = np.argsort(values, kind="stable")
    steps = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted


def _ratio(first: Array, second: Array, axis: int = -1) -> Array:
    """Medians of the second over the first; 1 where both are 0, or both crashes."""
    one, two = np.median(first, axis=axis), np.median(second, axis=axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(one == two, 1.0, two / one)


def _interval(
    samples: tuple[Array, ...],
    statistic: Callable[..., Array],
    paired: bool,
    rng: np.random.Generator,
) -> Interval | None:
    """BCa (Efron 1987); percentiles where that is not defined, as with infinities and ties."""
    if min(map(len, samples)) < LEAST_SEEDS:
        return None
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        result = stats.bootstrap(
            samples,
            statistic,
            paired=paired,
            n_resamples=_RESAMPLES,
            confidence_level=1 - ALPHA,
            method="BCa",
            rng=rng,
        )
    low, high = result.confidence_interval
    if not (math.isfinite(low) and math.isfinite(high)):
        ends = (ALPHA / 2, 1 - ALPHA / 2)
        # Between a number and infinity there is nothing to interpolate.
        low, high = np.quantile(result.bootstrap_distribution, ends, method="inverted_cdf")
    return Interval(float(low), float(high))


def paired_test(gains: Array) -> float:
    """The two-sided p value of Wilcoxon's signed-rank test of differences (n,).

    Exact for up to 50 of them, with ties up to 13.
    """
    if not gains.any():
        return 1.0
    return float(stats.wilcoxon(gains).pvalue)


def independent_test(x: Array, y: Array, rng: np.random.Generator) -> float:
    """The two-sided p value of Mann and Whitney's test of samples (n,) and (m,).

    Of small ones by permutations, for they may have ties.
    """
    method: object = "asymptotic"
    if len(x) + len(y) <= _SMALL:
        method = stats.PermutationMethod(n_resamples=_RESAMPLES, rng=rng)
    if np.ptp(np.concatenate([x, y])) == 0:
        return 1.0
    return float(stats.mannwhitneyu(x, y, method=method).pvalue)


def _signed_rank_effect(gains: Array) -> float:
    """Share of the ranks of gains less that of losses; 0 where there is neither."""
    moved = gains[gains != 0]
    ranks = stats.rankdata(np.abs(moved))
    return float((np.sign(moved) * ranks).sum() / ranks.sum()) if len(moved) else 0.0
