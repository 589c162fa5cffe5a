"""Spearman's rank correlation with an interval."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

LEAST = 5
"""The smallest number of pairs: three agree fully by chance in 1 of 6 cases, five in 1 of 120."""

_NORMAL = 1.959963984540054  # quantile 0.975


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rho of n pairs; NaN, also low and high, if n < LEAST or one side is constant."""

    rho: float
    low: float
    """Lower end of the 95 % interval; `high` is the upper one."""
    high: float
    n: int


def rank_correlation(x: ArrayLike, y: ArrayLike) -> RankCorrelation:
    """Spearman's rho of pairs (n,), ties with their mean rank, an infinite value ranked last.

    The interval is Fisher's transformation with the standard error of Bonett and Wright (2000,
    Psychometrika 65, 23): sqrt((1 + rho**2 / 2) / (n - 3)).
    """
    from scipy import stats

    one, two = np.asarray(x, float), np.asarray(y, float)
    n = len(one)
    nothing = RankCorrelation(math.nan, math.nan, math.nan, n)
    if n < LEAST or (one == one[0]).all() or (two == two[0]).all():
        return nothing
    rho = float(np.corrcoef(stats.rankdata(one), stats.rankdata(two))[0, 1].clip(-1, 1))
    if abs(rho) > 1 - 1e-12:
        return RankCorrelation(round(rho), round(rho), round(rho), n)
    width = _NORMAL * math.sqrt((1 + rho**2 / 2) / (n - 3))
    return RankCorrelation(
        rho, math.tanh(math.atanh(rho) - width), math.tanh(math.atanh(rho) + width), n
    )
