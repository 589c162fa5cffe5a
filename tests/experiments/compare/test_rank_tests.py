"""Rank tests keep their level, and say when nothing can be shown."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from oneshot_hpo.experiments.compare.rank_tests import (
    independent_test,
    least_p_value,
    level_ties,
    paired_test,
)


@pytest.mark.slow
@pytest.mark.parametrize(("seeds", "trials"), [(6, 100), (20, 1000)])
@pytest.mark.parametrize("paired", [True, False])
def test_the_level_holds_for_regrets_with_ties(seeds: int, trials: int, paired: bool) -> None:
    """Without a difference, at most 5 % of the trials show one, give or take 3 deviations."""
    rng = np.random.default_rng(0)
    shown = 0
    for _ in range(trials):
        one, two = np.round(rng.lognormal(0, 1, (2, seeds)) * 2) / 2
        p_value = paired_test(two - one) if paired else independent_test(one, two, rng)
        shown += p_value < 0.05
    assert shown <= trials * 0.05 + 3 * math.sqrt(trials * 0.05 * 0.95)


@pytest.mark.slow
@pytest.mark.parametrize(("first", "second"), [(3, 500), (5, 500), (4, 4), (1, 60)])
def test_the_level_holds_for_few_against_many(first: int, second: int) -> None:
    """There is no least number of seeds but for pairs: the test itself knows."""
    rng, trials = np.random.default_rng(1), 400
    p_values = [independent_test(*_split(rng, first, second), rng) for _ in range(trials)]
    assert np.mean(np.array(p_values) < 0.05) <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / trials)


def _split(rng: np.random.Generator, first: int, second: int) -> tuple[np.ndarray, np.ndarray]:
    values = np.round(rng.lognormal(0, 1, first + second), 2)
    return values[:first], values[first:]


@pytest.mark.parametrize(("first", "second"), [(1, 1), (2, 3), (4, 4), (3, 9), (5, 500), (2, 300)])
def test_the_least_p_value_is_that_of_the_clearest_order(first: int, second: int) -> None:
    low, high = np.arange(float(first)), first + np.arange(float(second))
    found = independent_test(low, high, np.random.default_rng(0))
    assert least_p_value(first, second, paired=False) == pytest.approx(found)


def test_the_least_p_value_of_pairs_is_that_of_the_sign_test() -> None:
    for pairs in range(1, 12):
        signs = np.array(list(itertools.product([-1, 1], repeat=pairs)))
        sums = np.abs(signs @ stats.rankdata(np.arange(pairs)))
        exact = (sums >= sums.max()).mean()
        assert least_p_value(pairs, pairs, paired=True) == pytest.approx(exact)
        assert paired_test(np.arange(1.0, pairs + 1)) == pytest.approx(exact)


def test_ties_are_levelled_and_nothing_else() -> None:
    hits = np.random.default_rng(0).integers(0, 29_952, 500)
    shares = hits / 29_952
    noisy = shares + np.random.default_rng(1).uniform(-1.2e-7, 1.2e-7, 500)
    levelled = level_ties(noisy)
    assert np.abs(levelled - shares).max() < 5e-7
    np.testing.assert_array_equal(stats.rankdata(levelled), stats.rankdata(hits))
