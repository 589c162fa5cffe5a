"""Do the statistics keep what they say? Simulated studies of which the truth is known.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.statistical_levels --trials 2000

Coverage of the intervals of `analyze`; the atlas's probability of being the best beside how often
it came true; how often `--table` stars one of methods that are alike; what becomes of the level
when seeds are added as the advice of `compare` says, and when a sequential rule adds them; how
often two one-sided tests call a difference as large as their margin "the same".
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.analyze import ranks
from oneshot_hpo.experiments.atlas.probability import probability_of_best
from oneshot_hpo.experiments.compare.power import seeds_needed
from oneshot_hpo.experiments.compare.rank_tests import ALPHA
from oneshot_hpo.experiments.compare.ranking import rank_samples
from oneshot_hpo.experiments.compare.shift import equivalence
from oneshot_hpo.experiments.compare.statistics import compare_ranks
from oneshot_hpo.experiments.numbers.sample import Sample
from oneshot_hpo.experiments.sequential.planning import seeds_for, stops
from oneshot_hpo.experiments.sequential.rule import make_rule

Array = NDArray[np.float64]

_CELLS, _RESAMPLES = 60, 200  # of an analysis: few, so that trials can be many
_NOISE = 0.62  # points, of a mean of three seeds of the digits


def main() -> None:
    """Print a line for each case."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--trials", type=int, default=2000)
    trials = parser.parse_args().trials
    for lines in (
        *(intervals(trials), atlas(trials), stars(trials), advice(trials)),
        *(sequential(trials), equivalences(trials)),
    ):
        for line in lines:
            print(line, flush=True)


def intervals(trials: int) -> Iterator[str]:
    """Spearman's correlation of supernets whose own correlations are spread about 0.5."""
    for spread in (0.0, 0.1, 0.2, 0.4):
        drawn = np.random.default_rng(9).normal(0.5, spread, 200_000).clip(-0.99, 0.99)
        truth = (6 / np.pi * np.arcsin(drawn / 2)).mean()
        for supernets in (1, 3, 10):
            rng = np.random.default_rng([int(100 * spread), supernets])
            found = [_interval(rng, spread, supernets) for _ in range(trials)]
            covered = np.mean([one.low <= truth <= one.high for one in found])
            yield f"analyze, spread {spread}, {supernets} supernets: 95 % covers {covered:.3f}"


def _interval(rng: np.random.Generator, spread: float, supernets: int) -> ranks.Estimate:
    errors = rng.normal(size=_CELLS)
    rho = rng.normal(0.5, spread, (supernets, 1)).clip(-0.99, 0.99)
    scores = rho * errors + np.sqrt(1 - rho**2) * rng.normal(size=(supernets, _CELLS))
    weights = rng.multinomial(_CELLS, np.full(_CELLS, 1 / _CELLS), size=_RESAMPLES).astype(float)
    return ranks.estimate(
        lambda i, w: ranks.spearman(errors, scores[i], w), supernets, weights, limit=1
    )


def atlas(trials: int) -> Iterator[str]:
    """2,685 cells whose true errors, in points, crowd at a floor, thin out or are normal."""
    rng = np.random.default_rng(0)
    worlds = {
        "crowded floor": lambda: 1.5 + 39 * rng.random(2685) ** 3,
        "floor": lambda: 1.5 + rng.exponential(13, 2685),
        "gamma": lambda: 1 + rng.gamma(2, 7, 2685),
        "normal": lambda: rng.normal(17, 11, 2685),
    }
    for name, world in worlds.items():
        said, true = [], []
        for _ in range(trials):
            errors = world()
            seen = errors + rng.normal(0, _NOISE, len(errors))
            chances = probability_of_best(seen, _NOISE)
            likely = np.argsort(-chances)[:30]
            said.append(chances[likely])
            true.append(likely == errors.argmin())
        yield from _deciles(name, np.concatenate(said), np.concatenate(true))


def _deciles(name: str, said: Array, true: NDArray[np.bool_]) -> Iterator[str]:
    for part in np.array_split(np.argsort(said), 10):
        yield f"atlas, {name}: said {said[part].mean():.4f}, came true {true[part].mean():.4f}"


def stars(trials: int) -> Iterator[str]:
    """Methods whose regrets are from one distribution, 20 seeds each, in pairs."""
    for methods in (3, 8, 12):
        rng = np.random.default_rng(methods)
        starred = 0
        for _ in range(trials):
            regrets = rng.lognormal(0, 1, (methods, 20)) / 100
            ranking = rank_samples([_sample(k, row) for k, row in enumerate(regrets)], 0)
            starred += bool((ranking.p_values[ranking.scores.argmax()] < ALPHA).any())
        yield f"--table, {methods} methods that are alike: a star in {starred / trials:.3f}"


def _sample(number: int, regrets: Array) -> Sample:
    name = f"method {number}"
    return Sample(
        method=name,
        source=name,
        origin=(Path(name), name),
        table="made up",
        space=1,
        values=regrets,
        seeds=tuple(range(len(regrets))),
    )


def advice(trials: int) -> Iterator[str]:
    """Two settings that are alike, 10 pairs, then once as many more as the range begins with."""
    rng = np.random.default_rng(0)
    shown = {"10 seeds": 0, "and with more, as advised": 0}
    for _ in range(trials):
        one, two = rng.lognormal(0, 1, (2, 1010)) / 100
        at_first = _shown(one[:10], two[:10], rng)
        needed = seeds_needed(one[:10], two[:10], paired=True)
        total = 10 if needed is None else max(11, needed.least)
        shown["10 seeds"] += at_first
        shown["and with more, as advised"] += at_first or _shown(one[:total], two[:total], rng)
    for name, count in shown.items():
        yield f"compare, no difference, {name}: shown in {count / trials:.3f}"


def sequential(trials: int) -> Iterator[str]:
    """Rules without a difference and with the planned one; how many seeds they save."""
    for spending in ("obrien-fleming", "pocock"):
        rng = np.random.default_rng(0)
        rule = make_rule(30, spending=spending)
        seeds, verdicts = stops(rule, rng.standard_normal((trials, 30)))
        share, words = (verdicts != 0).mean(), f"confirm --until-decided, {spending}"
        yield f"{words}, no difference: decided in {share:.3f}, {seeds.mean():.1f} of 30 seeds"
        for effect in (0.5, 0.7, 1.0):
            plan = seeds_for(effect, 0.8, spending)
            assert plan is not None
            most = plan.rule.looks[-1]
            seeds, verdicts = stops(plan.rule, rng.normal(effect, 1, (trials, most)))
            yield (
                f"{words}, {effect} deviations, planned for 0.8: shown in "
                f"{(verdicts == 1).mean():.3f}, {seeds.mean():.1f} of {most} seeds, "
                f"{1 - seeds.mean() / most:.0%} saved"
            )


def equivalences(trials: int) -> Iterator[str]:
    """Pairs whose difference is the margin, or none, of half a deviation."""
    for seeds in (20, 40, 60):
        rng = np.random.default_rng(seeds)
        for words, gap in (("as large as the margin", 0.5), ("none", 0.0)):
            same = 0
            for _ in range(trials):
                gains = rng.normal(gap, 1, seeds)
                found = equivalence(np.zeros(seeds), gains, margin=0.5, paired=True, rng=rng)
                same += found.verdict == "same"
            yield f"compare --margin, {seeds} pairs, difference {words}: same {same / trials:.3f}"


def _shown(first: Array, second: Array, rng: np.random.Generator) -> bool:
    return compare_ranks(first, second, paired=True, rng=rng).p_value < ALPHA


if __name__ == "__main__":
    main()
