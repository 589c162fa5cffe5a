"""Rank tests of two samples of regrets, and Holm's correction for several tests.

Regrets are shares of images. Two with equal counts of images may differ in their last digits, after
rounding to single precision or after a subtraction. `level_ties` makes them equal.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from oneshot_hpo.search_spaces.table import SINGLE_PRECISION

Array = NDArray[np.float64]

ALPHA = 0.05
"""Level of tests; intervals cover 1 - ALPHA."""
EXACT = 50
"""Up to so many differences, the signed-rank test is exact."""
_GREATER, _OTHER = "greater", "two-sided"
_RESAMPLES = 9999
_SMALL = 20  # up to this many values in both samples, permutations replace the normal approximation


def level_ties(values: Array) -> Array:
    """Finite values (n,) with those within SINGLE_PRECISION of each other made equal.

    All values of such a group become its lowest one.
    """
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    groups = np.flatnonzero(np.diff(ordered, prepend=-math.inf) > SINGLE_PRECISION)
    levelled = np.empty_like(values)
    levelled[order] = np.repeat(ordered[groups], np.diff(groups, append=len(values)))
    return levelled


def paired_gains(x: Array, y: Array) -> Array:
    """Differences (n,) of values y minus x, with ties levelled to 0 or to each other."""
    gains = y - x
    sizes = level_ties(np.append(0.0, np.abs(gains)))[1:]
    return np.sign(gains) * sizes


def paired_test(gains: Array, *, one_sided: bool = False) -> float:
    """The p value of Wilcoxon's signed-rank test of differences (n,), two-sided.

    Exact for up to EXACT of them, with ties up to 13. one_sided: that differences are above 0.
    """
    if not gains.any():
        return 1.0
    return float(stats.wilcoxon(gains, alternative=_GREATER if one_sided else _OTHER).pvalue)


def independent_test(
    x: Array, y: Array, rng: np.random.Generator, *, one_sided: bool = False
) -> float:
    """The p value of Mann and Whitney's test of samples (n,) and (m,), two-sided.

    By permutations where samples are small, as they may have ties, or where all can be enumerated.
    one_sided: that y is above x.
    """
    together = np.concatenate([x, y])
    if np.ptp(together) == 0:
        return 1.0
    if min(len(x), len(y)) == 1:  # SciPy does not permute a single value
        places = stats.rankdata(together) - (len(together) + 1) / 2
        extremes = np.abs(places)
        if one_sided:
            extremes = -places if len(x) == 1 else places
        return float((extremes >= extremes[0 if len(x) == 1 else -1]).mean())
    method: object = "asymptotic"
    if _permutes(len(x), len(y)):
        method = stats.PermutationMethod(n_resamples=_RESAMPLES, rng=rng)
    side = _GREATER if one_sided else _OTHER
    return float(stats.mannwhitneyu(y, x, alternative=side, method=method).pvalue)


@functools.cache
def signed_rank_tails(n: int) -> Array:
    """(n (n + 1) / 2 + 1,) the chance that ranks of gains sum to at least 0, 1, 2, …

    Of n differences without an effect, without ties and none of them 0, as `paired_test` takes it.
    """
    if n > EXACT:
        sums = np.arange(n * (n + 1) // 2 + 1)
        deviation = math.sqrt(n * (n + 1) * (2 * n + 1) / 24)
        return np.asarray(stats.norm.sf((sums - n * (n + 1) / 4) / deviation))
    chances = np.ones(1)
    for rank in range(1, n + 1):  # a rank is one of a gain or of a loss, each with chance 1/2
        none = np.zeros(rank)
        chances = (np.concatenate([chances, none]) + np.concatenate([none, chances])) / 2
    return np.asarray(np.cumsum(chances[::-1])[::-1])


@functools.cache
def signed_rank_p_values(n: int) -> Array:
    """(n (n + 1) / 2 + 1,) the two-sided p value of `paired_test` by the sum of ranks of gains."""
    tails = signed_rank_tails(n)
    return np.minimum(1, 2 * np.minimum(tails, tails[::-1]))


def least_p_value(first: int, second: int, *, paired: bool) -> float:
    """The lowest p value for these sample sizes: every value of the first sample is lower."""
    if paired:
        return float(2.0 ** (1 - first))
    if _permutes(first, second):
        return 2 / math.comb(first + second, first)
    low, high = np.arange(first), np.arange(first, first + second)
    return float(stats.mannwhitneyu(low, high, method="asymptotic").pvalue)


def holm(p_values: Sequence[float] | Array, most: int | None = None) -> Array:
    """P values that hold for all of several tests together (Holm 1979).

    most: of their hypotheses, how many can be true at once (Shaffer 1986); None: all.
    """
    values = np.asarray(p_values, float)
    order = np.argsort(values, kind="stable")
    left = np.arange(len(values), 0, -1)
    steps = values[order] * (left if most is None else np.minimum(left, most))
    adjusted = np.empty_like(values)
    adjusted[order] = np.minimum(1, np.maximum.accumulate(steps))
    return adjusted


def _permutes(first: int, second: int) -> bool:
    return (
        min(first, second) == 1
        or first + second <= _SMALL
        or math.comb(first + second, first) <= _RESAMPLES
    )
