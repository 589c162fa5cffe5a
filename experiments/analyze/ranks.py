"""Rank correlations with intervals, and the best among those that a ranking puts first.

Intervals are over what was drawn: supernets, which are few, by Student's t, and cells by bootstrap.
A resample of n cells is how often each is in it, a row of weights that sum to n.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]

RESAMPLES = 1000
MOST_CELLS = 5000
"""Kendall's correlation looks at all pairs of cells, in every resample."""
_DRAWS = 10_000


@dataclass(frozen=True)
class Estimate:
    """A value with a 95 % interval."""

    value: float
    low: float
    high: float
    supernets: int | None = None
    """The number of supernets averaged; with one, the interval is over cells alone."""

    @property
    def sign(self) -> int:
        """1 or -1 where the interval is all on one side of 0, else 0: nothing is shown."""
        return 1 if self.low > 0 else -1 if self.high < 0 else 0

    def __str__(self) -> str:
        return f"{self.value:.2f} ({self.low:.2f} to {self.high:.2f})"


def resamples(n: int, rng: np.random.Generator) -> Array:
    """How often each of n cells is drawn, (RESAMPLES, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=RESAMPLES).astype(float)


def spearman(x: Array, y: Array, weights: Array | None = None) -> Array:
    """Spearman's rho of pairs (n,), ties with their mean rank, in each resample, (B,).

    weights: (B, n); None: the sample itself, (1,). 0 where one side is constant.
    """
    if weights is None:
        weights = np.ones((1, len(x)))
    a, b = _ranks(x, weights), _ranks(y, weights)
    total = weights.sum(1, keepdims=True)
    a -= (weights * a).sum(1, keepdims=True) / total
    b -= (weights * b).sum(1, keepdims=True) / total
    return _ratio((weights * a * b).sum(1), (weights * a * a).sum(1), (weights * b * b).sum(1))


def kendall(x: Array, y: Array, weights: Array | None = None) -> Array:
    """Kendall's tau-b of pairs (n,) in each resample, (B,); as `spearman`."""
    if weights is None:
        weights = np.ones((1, len(x)))
    signs = [np.sign(np.subtract.outer(v, v)).astype(np.float32) for v in (x, y)]
    single = weights.astype(np.float32)

    def pairs(matrix: NDArray[np.float32]) -> Array:
        """Weighted sum over all pairs, (B,)."""
        found: Array = ((single @ matrix) * weights).sum(1)
        return found

    # A pair that is tied on one side counts on the other one.
    return _ratio(pairs(signs[0] * signs[1]), pairs(np.abs(signs[0])), pairs(np.abs(signs[1])))


def estimate(
    statistic: Callable[[int, Array | None], Array],
    supernets: int,
    weights: Array,
    limit: float = math.inf,
) -> Estimate:
    """The mean of a statistic over supernets, with an interval for other supernets and cells.

    statistic: of a supernet's number and resamples (B, n), or None for the sample itself; in each
    resample all supernets see the same cells. limit: of its absolute value.

    Of supernets it is Student's t interval, of cells the bootstrap's normal one; the lengths of
    both add up as deviations do. A single supernet says nothing of others: its interval is that of
    the bootstrap of cells.
    """
    values = np.array([statistic(number, None) for number in range(supernets)]).ravel()
    resampled = np.array([statistic(number, weights) for number in range(supernets)])
    if supernets == 1:
        low, high = np.quantile(resampled[0], (0.025, 0.975))
        return Estimate(float(values[0]), float(low), float(high), supernets)

    of_supernets = stats.t.ppf(0.975, supernets - 1) * values.std(ddof=1) / math.sqrt(supernets)
    of_cells = stats.norm.ppf(0.975) * math.sqrt(_variance_of_cells(resampled))
    reach = math.hypot(of_supernets, of_cells)
    low, high = np.clip(values.mean() + np.array([-reach, reach]), -limit, limit)
    return Estimate(float(values.mean()), float(low), float(high), supernets)


def pair_estimate(
    statistic: Callable[[int, int, Array | None], Array], supernets: int, weights: Array
) -> Estimate:
    """The mean of a statistic in [-1, 1] over pairs of supernets, with an interval as `estimate`.

    statistic: of two numbers of supernets and resamples. Pairs with a supernet in common are not
    independent: the deviation between supernets is that of the jackknife, which leaves out one of
    them. Two supernets are one pair, whose interval is that of cells alone.
    """
    pairs = list(itertools.combinations(range(supernets), 2))
    values = np.array([statistic(*pair, None) for pair in pairs]).ravel()
    mean = float(values.mean())
    resampled = np.mean([statistic(*pair, weights) for pair in pairs], axis=0)
    of_cells = stats.norm.ppf(0.975) * resampled.std(ddof=1)
    of_supernets = 0.0
    if supernets > 2:
        without = [
            np.mean([v for v, pair in zip(values, pairs, strict=True) if left not in pair])
            for left in range(supernets)
        ]
        deviation = math.sqrt((supernets - 1) * np.var(without))
        of_supernets = stats.t.ppf(0.975, supernets - 1) * deviation
    reach = math.hypot(of_supernets, of_cells)
    low, high = np.clip(mean + np.array([-reach, reach]), -1, 1)
    return Estimate(mean, float(low), float(high), supernets if supernets > 2 else 1)


def interval_words(supernets: int | None) -> str:
    """What an estimate averages over, and what its interval covers."""
    if supernets == 1:
        return "1 supernet; 95 % over cells alone, which says nothing of other supernets"
    return f"mean of {supernets} supernets; 95 % over supernets and cells"


def _variance_of_cells(resampled: Array) -> float:
    """Variance of a mean over supernets that is due to the cells they all see; resampled: (S, B).

    What cells do to each supernet in its own way is in the variance between supernets already.
    """
    supernets = len(resampled)
    own = (resampled - resampled.mean(0)).var(axis=1, ddof=1).sum() / (supernets - 1)
    return max(0.0, float(resampled.mean(0).var(ddof=1) - own / supernets))


def expected_best(errors: Array, k: int) -> float:
    """The expected lowest error among k of n cells drawn at random, 1 <= k <= n."""
    ordered = np.sort(errors)
    return float(_chances(len(errors), k) @ ordered[: len(errors) - k + 1])


def best_of_first(ranking: Array, errors: Array, k: int) -> float:
    """The lowest error among the k cells that a ranking, lowest first, puts first.

    ranking and errors: (n,). Cells of equal rank that do not all fit are drawn at random: the
    expectation of that.
    """
    last = np.partition(ranking, k - 1)[k - 1]
    sure, tied = errors[ranking < last], errors[ranking == last]
    bound = sure.min(initial=np.inf)
    return expected_best(np.minimum(tied, bound), k - len(sure))


def random_best(errors: Sequence[Array], k: int, rng: np.random.Generator) -> Estimate:
    """The expectation of `best_of_first` over random rankings, and 95 % of means over them.

    errors: of the cells that each ranking is of, (n,).
    """
    drawn = []
    for of_one in errors:
        ordered = np.sort(of_one)[: len(of_one) - k + 1]
        chances = _chances(len(of_one), k)
        drawn.append(rng.choice(ordered, size=_DRAWS, p=chances / chances.sum()))
    low, high = np.quantile(np.mean(drawn, axis=0), (0.025, 0.975))
    expected = np.mean([expected_best(of_one, k) for of_one in errors])
    return Estimate(float(expected), float(low), float(high))


def percentiles(values: Array) -> Array:
    """Mean ranks as shares of the sample in percent: 0 is the lowest value, 100 the highest."""
    ranks = _ranks(values, np.ones((1, len(values))))[0]
    shares: Array = 100 * ranks / max(1, len(values))
    return shares


def precision(ranking: Array, errors: Array, share: float, weights: Array | None = None) -> Array:
    """The share of the cells ranked first that are among the best, in each resample, (B,).

    ranking and errors: (n,), lowest first. share: of the cells that count as first, and as the
    best, in (0, 1]; at least one. Of equal values that do not all fit each counts in part. The
    worst are those of -ranking and -errors. Other parameters as in `spearman`.
    """
    if weights is None:
        weights = np.ones((1, len(ranking)))
    count = first_count(len(ranking), share)
    first, best = _among_first(ranking, weights, count), _among_first(errors, weights, count)
    found: Array = (weights * first * best).sum(1) / count
    return found


def first_count(cells: int, share: float) -> int:
    """How many cells a share of them is, at least one."""
    return max(1, round(share * cells))


def _among_first(values: Array, weights: Array, count: int) -> Array:
    """How much of each cell is among the lowest `count` of a resample, in [0, 1], (B, n)."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=-math.inf))
    groups = np.add.reduceat(weights[:, order], starts, axis=1)
    room = np.clip(count - (groups.cumsum(1) - groups), 0, groups)
    parts = np.divide(room, groups, out=np.zeros_like(groups), where=groups > 0)
    inside = np.empty(weights.shape)
    inside[:, order] = np.repeat(parts, np.diff(starts, append=len(values)), axis=1)
    return inside


def _chances(n: int, k: int) -> Array:
    """Probabilities that the best of k of n cells is the best of all, the second best, ...

    Float (n - k + 1,).
    """
    if not 1 <= k <= n:
        raise ValueError(f"{k} of {n} cells cannot be drawn")
    ratios = [(n - i - k) / (n - i - 1) for i in range(n - k)]
    chances: Array = np.cumprod(np.array([k / n, *ratios]))
    return chances


def _ranks(values: Array, weights: Array) -> Array:
    """Mean ranks from 0 in each resample, (B, n)."""
    order = np.argsort(values, kind="stable")
    ordered = values[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-math.inf))
    groups = np.add.reduceat(weights[:, order], starts, axis=1)
    middles = groups.cumsum(1) - groups / 2
    ranks = np.empty(weights.shape)
    ranks[:, order] = np.repeat(middles, np.diff(starts, append=len(values)), axis=1)
    return ranks


def _ratio(product: Array, one: Array, other: Array) -> Array:
    size = np.sqrt(one * other)
    return np.divide(product, size, out=np.zeros_like(size), where=size > 0)
