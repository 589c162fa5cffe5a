"""Estimates how many seeds would likely show a difference, as a range."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from oneshot_hpo.experiments.compare.rank_tests import ALPHA, least_p_value

Array = NDArray[np.float64]

POWER = 0.8
"""Probability with which a number of seeds shows the difference."""
COVERED = 0.8
"""Share of cases in which the range contains the right number."""
MOST_SEEDS = 1000
"""Larger numbers of seeds are not reported."""


@dataclass(frozen=True)
class Seeds:
    """A range of the seeds that each sample needs."""

    least: int
    most: int | None
    """None: more than MOST_SEEDS."""


def seeds_needed(
    x: Array, y: Array, *, paired: bool, second_grows: bool = True, tests: int = 1
) -> Seeds | None:
    """Seeds of each sample that would show the observed difference with probability POWER.

    Noether (1987, J. Am. Stat. Assoc. 82, 645): (z_alpha + z_beta)**2 / (3 (p - 1/2)**2) pairs,
    where p is the probability that the sum of two differences is above 0; for independent samples
    of n and m, 1/n + 1/m = 12 (p - 1/2)**2 / (z_alpha + z_beta)**2, where p is the probability that
    a value of one is below a value of the other. Several tests share alpha equally. The range is a
    normal interval of p at level COVERED.

    None: it takes more than MOST_SEEDS, or no number is enough.
    """
    excess, error = _excess(y - x) if paired else _independent_excess(x, y)
    reach = float(stats.norm.ppf((1 + COVERED) / 2)) * error
    other = None if second_grows else len(y)
    few, many = (
        _noether(max(0.0, abs(excess) + side), paired=paired, other=other, tests=tests)
        for side in (reach, -reach)
    )

    if few > MOST_SEEDS:
        return None
    least = least_seeds(paired=paired, other=other, tests=tests)
    return Seeds(
        max(least, math.ceil(few)), None if many > MOST_SEEDS else max(least, math.ceil(many))
    )


def least_seeds(*, paired: bool, other: int | None, tests: int = 1) -> int:
    """The smallest number of seeds that can reach p < ALPHA, shared by several tests.

    other: size of the other sample; None: the same number.
    """
    seeds = 1
    while seeds < MOST_SEEDS and (
        tests * least_p_value(seeds, other or seeds, paired=paired) >= ALPHA
    ):
        seeds += 1
    return seeds


def _noether(excess: float, *, paired: bool, other: int | None, tests: int) -> float:
    """Seeds for p - 1/2 = excess; infinite where no number is enough."""
    z = float(stats.norm.ppf(1 - ALPHA / tests / 2) + stats.norm.ppf(POWER)) ** 2
    if paired:
        return z / (3 * excess**2) if excess else math.inf
    rest = 12 * excess**2 / z - (0 if other is None else 1 / other)
    return (2 if other is None else 1) / rest if rest > 0 else math.inf


def _excess(gains: Array) -> tuple[float, float]:
    """p - 1/2 of pairs, from differences (n,), and its standard error by the jackknife."""
    n = len(gains)
    if n < 3:
        return 0.0, math.inf
    signs = np.sign(np.add.outer(gains, gains))
    np.fill_diagonal(signs, 0)
    shares = signs.sum(1) / (n - 1)
    variance = (n - 1) / n * 4 * ((shares - shares.mean()) ** 2).sum() / (n - 2) ** 2
    return float(shares.mean()) / 2, math.sqrt(variance) / 2


def _independent_excess(x: Array, y: Array) -> tuple[float, float]:
    """p - 1/2 of independent samples (n,) and (m,), and its standard error."""
    signs = np.sign(np.subtract.outer(y, x))
    if min(signs.shape) < 2:
        return 0.0, math.inf
    variance = sum(signs.mean(axis).var(ddof=1) / signs.shape[1 - axis] for axis in (0, 1))
    return float(signs.mean()) / 2, math.sqrt(variance) / 2
