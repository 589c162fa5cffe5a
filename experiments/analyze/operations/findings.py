"""Results for a population of cells, and whether they confirm the paper's findings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from oneshot_hpo.experiments.analyze.operations.enrichment import (
    Enrichment,
    by_combination,
    by_operation,
    differ,
)
from oneshot_hpo.experiments.analyze.operations.population import Population
from oneshot_hpo.experiments.analyze.operations.replacements import Replacement, replacements
from oneshot_hpo.experiments.analyze.operations.skew import Shape, shape
from oneshot_hpo.experiments.analyze.operations.subsets import Subset, smallest_close, subsets
from oneshot_hpo.experiments.compare.rank_tests import ALPHA
from oneshot_hpo.experiments.wording import called, percent

Verdict = Literal["confirmed", "confirmed in part", "contradicted", "not decided"]


@dataclass(frozen=True, eq=False)
class Analysis:
    """Everything about the operations of a population."""

    population: Population
    share: float
    """The share of the cells that counts as the best, in [0, 1]."""
    best: np.ndarray
    """Which these are, bool (N,)."""
    counts: list[Enrichment]
    """By the number of each operation."""
    combinations: list[Enrichment]
    """By the numbers of all operations."""
    subsets: list[Subset]
    replacements: list[Replacement]
    shape: Shape


@dataclass(frozen=True)
class Finding:
    """A statement of the paper's, and what the numbers say of it."""

    claim: str
    verdict: Verdict
    why: str


def analyse(population: Population, share: float, seed: int) -> Analysis:
    """All analyses of cells whose errors are not all equal; seed: of the bootstrap."""
    best = population.best(share)
    return Analysis(
        population=population,
        share=share,
        best=best,
        counts=by_operation(population, best),
        combinations=by_combination(population, best),
        subsets=subsets(population),
        replacements=replacements(population),
        shape=shape(1 - population.errors, np.random.default_rng(seed)),
    )


def findings(analysis: Analysis) -> list[Finding]:
    """The paper's findings (abstract), held against the numbers."""
    return [_convolutions(analysis), _combinations(analysis), _few(analysis), _skew(analysis)]


def _convolutions(analysis: Analysis) -> Finding:
    """A convolution matters if it beats the pooling in its place, and the best cells seek it.

    Where there is no pooling, the skip connection takes its part.
    """
    population = analysis.population
    convolutions = [name for name in population.operations if "conv" in name]
    pooling = next((name for name in population.operations if "pool" in name), None)
    simple = pooling or next((name for name in population.operations if "skip" in name), None)
    if simple is None or not convolutions:
        return Finding("convolutions matter most", "not decided", "there is nothing to compare")

    among_best = population.counts[analysis.best].mean(0)
    among_all = population.counts.mean(0)
    matter, words = [], []
    for name in convolutions:
        code = population.operations.index(name)
        pair = next(
            (p for p in analysis.replacements if {p.better, p.worse} == {name, simple}), None
        )
        gain = 0.0 if pair is None else pair.mean * (1 if pair.better == name else -1)
        if gain > 0 and among_best[code] > among_all[code]:
            matter.append(name)
        words.append(
            f"{called(name)} in the place of a {called(simple)} "
            f"{'lowers' if gain >= 0 else 'raises'} the error by {abs(100 * gain):.2f} points on "
            f"average, and the best cells have {among_best[code]:.2f} of it, all cells "
            f"{among_all[code]:.2f}"
        )

    verdict: Verdict = "confirmed in part" if matter else "contradicted"
    if len(matter) == len(convolutions):
        verdict = "confirmed"
    only = f"for {called(matter[0])} alone; " if len(matter) == 1 < len(convolutions) else ""
    return Finding("convolutions matter most", verdict, only + "; ".join(words))


def _combinations(analysis: Analysis) -> Finding:
    """Whether combinations are as frequent among the best as among the others: chi-squared."""
    claim = "certain combinations of operations are favoured by the best cells"
    p_value = differ(analysis.combinations, int(analysis.best.sum()))
    if p_value is None:
        return Finding(claim, "not decided", "too few cells are among the best")
    five = analysis.combinations[:5]
    in_words = described(five[0].counts, analysis.population.operations)
    best = sum(one.share_of_best for one in five)
    everywhere = sum(one.share for one in five)
    first = five[0]
    return Finding(
        claim,
        "confirmed" if p_value < ALPHA else "not decided",
        f"the five most frequent of {len(analysis.combinations)} make up {percent(best)} of the "
        f"best cells and {percent(everywhere)} of all; the first, {in_words}, is "
        f"{first.lift:.1f} times as frequent among the best (chi-squared test of all combinations, "
        f"p {'below 0.001' if p_value < 0.001 else f'= {p_value:.3f}'})",
    )


def _few(analysis: Analysis) -> Finding:
    claim = "few operations suffice"
    if analysis.population.difference_noise is None:
        return Finding(claim, "not decided", "with a single repeat, no noise is known")
    found = smallest_close(analysis.subsets)
    assert found is not None  # all operations together hold the best cell
    names = " and ".join(called(name) for name in found.operations)
    few = len(found.operations) < len(analysis.population.operations)
    return Finding(
        claim,
        "confirmed" if few else "contradicted",
        f"the best cell with {names} alone is {100 * found.regret:.2f} points above the best of "
        f"all, two standard errors of a difference being "
        f"{200 * analysis.population.difference_noise:.2f}",
    )


def _skew(analysis: Analysis) -> Finding:
    skewness, middle = analysis.shape.skewness, analysis.shape.quartile_skewness
    verdict: Verdict = "not decided"
    if skewness.high < 0:
        verdict = "confirmed"
    elif skewness.low > 0:
        verdict = "contradicted"
    return Finding(
        "accuracies are negatively skewed",
        verdict,
        f"skewness {skewness.value:.2f} ({skewness.low:.2f} to {skewness.high:.2f}); of the middle "
        f"half alone {middle.value:.2f} ({middle.low:.2f} to {middle.high:.2f}); "
        f"{percent(analysis.shape.upper_half)} of the cells are in the upper half of the range",
    )


def described(counts: tuple[int | None, ...], operations: tuple[str, ...]) -> str:
    """Numbers of operations in words: "3 conv 3×3, 1 conv 1×1"."""
    words = [
        f"{count} {called(name)}" for count, name in zip(counts, operations, strict=True) if count
    ]
    return ", ".join(words) or "no operation"
