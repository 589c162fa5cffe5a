"""Mean ranks of methods over several conditions, and how far apart they have to be (Demšar 2006).

Conditions are rows such as a search space and a seed, methods are columns. Friedman's test asks
whether ranks differ at all, Nemenyi's critical difference which of two do.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from oneshot_hpo.experiments.compare.rank_tests import ALPHA

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class MethodRanks:
    """Mean ranks of k methods over n conditions in which each has a result."""

    methods: list[str]
    """k names, the best first."""
    ranks: Array
    """(k,) mean ranks, ascending; 1 is the best, ties share theirs."""
    conditions: int
    """n."""
    p_value: float | None
    """Friedman's test; None with fewer than three methods or two conditions."""
    critical_difference: float | None
    """Two mean ranks further apart differ at level ALPHA (Nemenyi); None for one condition."""


def method_ranks(methods: Sequence[str], values: Array) -> MethodRanks:
    """Rank k methods by values (n, k), the lowest best; an infinite value is the worst.

    Rows with a NaN, where a method has no result, are left out. Raises ValueError if none is left.
    """
    complete = values[~np.isnan(values).any(1)]
    if not len(complete) or len(methods) < 2:
        raise ValueError("ranks need two methods, and a condition in which each has a result")
    n, k = complete.shape
    ranks = stats.rankdata(complete, axis=1).mean(0)
    order = np.argsort(ranks, kind="stable")
    return MethodRanks(
        [methods[place] for place in order],
        ranks[order],
        n,
        _friedman(complete) if k > 2 and n > 1 else None,
        critical_difference(k, n) if n > 1 else None,
    )


def critical_difference(k: int, n: int) -> float:
    """Nemenyi's critical difference of mean ranks of k methods over n conditions, level ALPHA."""
    q = float(stats.studentized_range.ppf(1 - ALPHA, k, math.inf)) / math.sqrt(2)
    return q * math.sqrt(k * (k + 1) / (6 * n))


def _friedman(values: Array) -> float:
    """The p value of Friedman's test; 1 where all methods are always equal."""
    worst = 1 + 2 * np.abs(values[np.isfinite(values)]).max(initial=0.0)
    finite = np.where(np.isinf(values), worst, values)
    if (np.ptp(finite, axis=1) == 0).all():
        return 1.0
    return float(stats.friedmanchisquare(*finite.T).pvalue)
