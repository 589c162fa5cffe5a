"""How many seeds would decide: what is promised is so, and the range holds what is right."""

import math

import numpy as np
import pytest
from scipy import stats

from oneshot_hpo.experiments.compare.power import COVERED, POWER, least_seeds, seeds_needed
from oneshot_hpo.experiments.compare.rank_tests import ALPHA, independent_test, paired_test

HALF = 0.5
"""The difference, in deviations."""


@pytest.mark.parametrize("paired", [True, False])
def test_the_seeds_needed_give_the_power_that_is_promised(paired: bool) -> None:
    """The formula gets the distribution itself, as its quantiles: the range is narrow."""
    rng = np.random.default_rng(1)
    quantiles = stats.norm.ppf((np.arange(999) + 0.5) / 999)
    if paired:
        needed = seeds_needed(np.zeros(999), HALF + math.sqrt(2) * quantiles, paired=True)
    else:
        needed = seeds_needed(quantiles, quantiles + HALF, paired=False)
    assert needed is not None
    assert needed.most is not None
    assert needed.least < needed.most < 2 * needed.least
    right = round(math.sqrt(needed.least * needed.most))
    shown = 0
    for _ in range(300):
        one, two = rng.normal(0, 1, right), rng.normal(HALF, 1, right)
        p_value = paired_test(two - one) if paired else independent_test(one, two, rng)
        shown += p_value < 0.05
    assert shown / 300 == pytest.approx(POWER, abs=0.07)


@pytest.mark.parametrize("paired", [True, False])
def test_the_range_holds_the_right_number_as_often_as_it_says(paired: bool) -> None:
    rng, trials, seeds = np.random.default_rng(3), 400, 20
    chance = stats.norm.cdf(HALF if paired else HALF / math.sqrt(2))
    z = (stats.norm.ppf(1 - ALPHA / 2) + stats.norm.ppf(POWER)) ** 2
    right = z / ((3 if paired else 6) * (chance - 0.5) ** 2)
    held = 0
    for _ in range(trials):
        needed = seeds_needed(rng.normal(0, 1, seeds), rng.normal(HALF, 1, seeds), paired=paired)
        held += needed is not None and needed.least <= math.ceil(right) <= (needed.most or math.inf)
    assert held / trials == pytest.approx(COVERED, abs=0.06)


def test_more_seeds_are_needed_where_the_other_sample_cannot_grow() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(0, 1, 10), rng.normal(0.6, 1, 30)
    both = seeds_needed(first, second, paired=False)
    alone = seeds_needed(first, second, paired=False, second_grows=False)
    assert both is not None
    assert alone is None or (alone.least > both.least and alone.most is None)


def test_the_least_seeds_depend_on_pairs_tests_and_the_other_sample() -> None:
    assert least_seeds(paired=True, other=None) == 6
    assert least_seeds(paired=True, other=None, tests=5) == 8  # 2 / 2**8 is below 0.01
    assert least_seeds(paired=False, other=None) == 4  # 2 / C(8, 4)
    assert least_seeds(paired=False, other=500) == 1
    assert least_seeds(paired=False, other=10) == 2
