"""Two samples of regrets: intervals, a test, its effect size, and how many seeds would decide.

The test is of ranks (`rank_tests`), not of the medians whose ratio is reported beside it.

Regrets are numbers from 0, lower is better; infinity is a search that crashed, worse than any
other. Results describe the first sample relative to the second.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from oneshot_hpo.experiments.compare.looks import Sequential, at_look
from oneshot_hpo.experiments.compare.power import Seeds, seeds_needed
from oneshot_hpo.experiments.compare.rank_tests import (
    ALPHA,
    holm,
    independent_test,
    least_p_value,
    level_ties,
    paired_gains,
    paired_test,
)
from oneshot_hpo.experiments.compare.shift import (
    Equivalence,
    Interval,
    equivalence,
    without_crashes,
)
from oneshot_hpo.experiments.sequential.rule import Standing

Array = NDArray[np.float64]

LEAST_SEEDS = 6
"""The smallest sample for an interval of the median."""
_RESAMPLES = 9999


@dataclass(frozen=True)
class Comparison:
    """The comparison of two samples."""

    pairs: int | None
    """Pairs with the same seed; None: the samples are independent."""
    sizes: tuple[int, int]
    """Sizes of the two samples."""
    ratio: float
    """Median regret of the second over that of the first: above 1 where the first is better."""
    ratio_interval: Interval | None
    """Interval of the ratio; None with fewer than LEAST_SEEDS values."""
    wins: int
    """Pairs (all pairs of independent samples) in which the first is better."""
    losses: int
    """Pairs in which it is worse."""
    effect: float
    """Rank-biserial correlation in [-1, 1], above 0 where the first is better (Kerby 2014)."""
    p_value: float
    """Two-sided: Wilcoxon's signed-rank test of pairs, else Mann and Whitney's.

    Adjusted for the looks of a sequential rule, and corrected for all tests together."""
    tests: int
    """Number of tests that share the level."""
    needed: Seeds | None
    """Seeds of each sample that would show a difference of this size; see `seeds_needed`."""
    equivalence: Equivalence | None = None
    """Whether they differ by less than a margin; None: there is no margin."""
    sequential: Sequential | None = None
    """Set if a sequential rule decides the number of pairs."""

    @property
    def shown(self) -> bool:
        """Whether the difference is significant at level ALPHA."""
        return self.p_value < ALPHA

    @property
    def can_be_shown(self) -> bool:
        """Whether samples of these sizes can show a difference at all, in this test alone."""
        if self.sequential is not None:
            return self.sequential.standing.looks > 0
        return least_p_value(*self.sizes, paired=self.pairs is not None) < ALPHA

    @property
    def verdict(self) -> str:
        """better, worse, same (within the margin), no worse, no better, or not shown."""
        if self.shown:
            return "better" if self.effect > 0 else "worse"
        within = None if self.equivalence is None else self.equivalence.verdict
        return within or "not shown"


@dataclass(frozen=True)
class Question:
    """Two samples to compare."""

    first: Array
    """(n,)"""
    second: Array
    """(m,)"""
    paired: bool
    """Whether values with the same index are pairs; then n equals m."""
    second_grows: bool = True
    """Whether more seeds for the first sample would mean as many more for the second."""
    margin: float | None = None
    """A difference that does not matter, in the unit of the values; None: none is known."""
    standing: Standing | None = None
    """Of pairs whose number a sequential rule decides."""


def compare_all(questions: Sequence[Question], seed: int) -> list[Comparison]:
    """Compare several pairs of samples; p values hold for all of them together (`holm`).

    seed: of bootstraps and permutations, reset for each pair, so equal pairs have equal results.
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
            margin=question.margin,
            standing=question.standing,
        )
        for question in questions
    ]
    adjusted = holm([comparison.p_value for comparison in found])
    corrected = _corrected([comparison.equivalence for comparison in found])
    return [
        replace(one, p_value=float(p), equivalence=within)
        for one, p, within in zip(found, adjusted, corrected, strict=True)
    ]


def _corrected(found: Sequence[Equivalence | None]) -> list[Equivalence | None]:
    """The same with p values that hold for all of them together.

    Nothing is both worse and better by the margin, so only half of the hypotheses can be true.
    """
    known = [one for one in found if one is not None]
    sides = [*(one.no_worse for one in known), *(one.no_better for one in known)]
    worse, better = holm(sides, len(known)).reshape(2, -1).tolist()
    adjusted = iter(
        replace(one, no_worse=p, no_better=q)
        for one, p, q in zip(known, worse, better, strict=True)
    )
    return [None if one is None else next(adjusted) for one in found]


def compare(
    first: Sequence[float] | Array,
    second: Sequence[float] | Array,
    *,
    paired: bool,
    rng: np.random.Generator,
    second_grows: bool = True,
    tests: int = 1,
    margin: float | None = None,
    standing: Standing | None = None,
) -> Comparison:
    """Compare two samples, (n,) and (m,); for the parameters see Question and Comparison.

    The p value is that of this test alone. Raises ValueError for an empty sample.
    """
    a, b = np.asarray(first, float), np.asarray(second, float)
    if not len(a) or not len(b) or (paired and len(a) != len(b)):
        raise ValueError(f"samples of {len(a)} and {len(b)} values cannot be compared")

    a, b = _levelled(a, b)
    x, y = _finite(a, b)
    ranked = compare_ranks(a, b, paired=paired, rng=rng, standing=standing)
    together = np.concatenate([a, b])
    finite = together[np.isfinite(together)]
    farthest = float(np.ptp(finite)) if len(finite) else 0.0
    within = None
    if margin is not None:
        within = equivalence(x, y, margin=margin, paired=paired, rng=rng, standing=standing)
        within = without_crashes(within, farthest)

    sequential = None
    if standing is not None:
        sequential = at_look(x, y, ranked.p_alone, ranked.effect, standing, farthest)

    return Comparison(
        pairs=len(a) if paired else None,
        sizes=(len(a), len(b)),
        ratio=float(_ratio(a, b)),
        ratio_interval=_interval((a, b), _ratio, paired, rng),
        wins=ranked.wins,
        losses=ranked.losses,
        effect=ranked.effect,
        p_value=ranked.p_value,
        tests=tests,
        needed=seeds_needed(x, y, paired=paired, second_grows=second_grows, tests=tests),
        equivalence=within,
        sequential=sequential,
    )


@dataclass(frozen=True)
class RankComparison:
    """The rank-based part of a comparison; see Comparison."""

    wins: int
    losses: int
    effect: float
    p_value: float
    p_alone: float
    """The p value without an adjustment for looks."""


def compare_ranks(
    first: Array,
    second: Array,
    *,
    paired: bool,
    rng: np.random.Generator,
    standing: Standing | None = None,
) -> RankComparison:
    """The rank test of samples (n,) and (m,), and its effect size.

    standing: of pairs whose number a sequential rule decides; the p value is adjusted for that.
    """
    x, y = _finite(*_levelled(first, second))
    gains = paired_gains(x, y) if paired else np.subtract.outer(y, x).ravel()
    alone = paired_test(gains) if paired else independent_test(x, y, rng)
    return RankComparison(
        wins=int((gains > 0).sum()),
        losses=int((gains < 0).sum()),
        effect=_signed_rank_effect(gains) if paired else float(np.sign(gains).mean()),
        p_value=alone if standing is None else standing.p_value(alone),
        p_alone=alone,
    )


def median_interval(values: Sequence[float] | Array, rng: np.random.Generator) -> Interval | None:
    """The bootstrap's BCa interval of the median; None with fewer than LEAST_SEEDS values."""
    return _interval((np.asarray(values, float),), np.median, False, rng)


def _finite(first: Array, second: Array) -> tuple[Array, Array]:
    """Samples of the same ranks with a finite regret above all others in place of crashes."""
    together = np.concatenate([first, second])
    worst = 1 + 2 * together[np.isfinite(together)].max(initial=0.0)
    return np.minimum(first, worst), np.minimum(second, worst)


def _levelled(first: Array, second: Array) -> tuple[Array, Array]:
    """Two samples in which regrets within rounding of each other, or of 0, are made equal."""
    together = np.concatenate([first, second])
    finite = np.isfinite(together)
    zero, *levelled = level_ties(np.append(0.0, together[finite]))
    together[finite] = np.where(np.array(levelled) == zero, 0.0, levelled)
    return together[: len(first)], together[len(first) :]


def _ratio(first: Array, second: Array, axis: int = -1) -> Array:
    """Ratio of medians, second over first; 1 where both are 0 or both are crashes."""
    one, two = np.median(first, axis=axis), np.median(second, axis=axis)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(one == two, 1.0, two / one)


def _interval(
    samples: tuple[Array, ...],
    statistic: Callable[..., Array],
    paired: bool,
    rng: np.random.Generator,
) -> Interval | None:
    """BCa interval (Efron 1987); percentiles where infinities or ties leave it undefined."""
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
        # Quantiles without interpolation, as infinities cannot be interpolated.
        low, high = np.quantile(result.bootstrap_distribution, ends, method="inverted_cdf")
    return Interval(float(low), float(high))


def _signed_rank_effect(gains: Array) -> float:
    """Rank sum of gains minus that of losses, over all ranks; 0 if all differences are 0."""
    moved = gains[gains != 0]
    ranks = stats.rankdata(np.abs(moved))
    return float((np.sign(moved) * ranks).sum() / ranks.sum()) if len(moved) else 0.0
