"""The level and the power of a rule, by simulation of the test that a confirmation makes.

Many statistics are simulated, not searches. Planning simulates with seeds of its own, other than
those here.
"""

import math

import numpy as np
import pytest

from oneshot_hpo.experiments.compare.rank_tests import paired_test, signed_rank_p_values
from oneshot_hpo.experiments.compare.statistics import compare_ranks
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.sequential.planning import effect_for, prospect, seeds_for, stops
from oneshot_hpo.experiments.sequential.rule import (
    Rule,
    Standing,
    default_block,
    information,
    make_rule,
)

PAIRS = 2000
RULES = [
    make_rule(30),
    make_rule(30, spending="pocock"),
    make_rule(20, 2),
    make_rule(60, spending="pocock"),
    make_rule(30, 1),
]


def drawn(seeds: int, effect: float = 0.0, trials: int = PAIRS) -> np.ndarray:
    """(trials, seeds) normal differences of deviation 1."""
    return np.random.default_rng([2, seeds]).standard_normal((trials, seeds)) + effect


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
def test_without_an_effect_at_most_five_percent_are_decided(spending: str) -> None:
    """Two settings whose regrets are from one skewed distribution."""
    rule = make_rule(30, spending=spending)
    tuned, default = np.random.default_rng(4).lognormal(size=(2, PAIRS, 30))
    seeds, verdicts = stops(rule, default - tuned)
    assert 0.03 < (verdicts != 0).mean() <= 0.05
    assert seeds.mean() > 29


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.spending}-{len(rule.looks)}")
def test_the_level_holds_over_many_more(rule: Rule) -> None:
    """20,000, of which the level's share has a standard error of 0.15 points."""
    _, verdicts = stops(rule, drawn(rule.looks[-1], trials=20_000))
    assert 0.04 < (verdicts != 0).mean() < 0.053
    assert (verdicts == 1).mean() == pytest.approx((verdicts == -1).mean(), abs=0.005)


@pytest.mark.parametrize("spending", ["obrien-fleming", "pocock"])
@pytest.mark.parametrize(("effect", "power"), [(1.0, 0.8), (0.7, 0.8), (0.7, 0.9), (0.5, 0.8)])
def test_the_planned_effect_is_shown_as_often_as_planned(
    spending: str, effect: float, power: float
) -> None:
    plan = seeds_for(effect, power, spending)
    assert plan is not None
    seeds, verdicts = stops(plan.rule, drawn(plan.rule.looks[-1], effect))
    assert (verdicts == 1).mean() >= power
    assert (verdicts == -1).mean() < 0.002
    # Seeds are saved, as many as the plan says.
    assert seeds.mean() == pytest.approx(plan.mean_seeds, rel=0.04)
    assert seeds.mean() < 0.92 * plan.rule.looks[-1]
    fewer = make_rule(plan.rule.looks[-1] - 5, None, spending)
    assert prospect(fewer, effect).power < power + 0.02


def test_stops_are_those_of_the_real_test_look_by_look() -> None:
    rule = make_rule(30)
    gains = drawn(30, 0.5)[:60]
    seeds, verdicts = stops(rule, gains)
    for row, stopped, verdict in zip(gains, seeds, verdicts, strict=True):
        for number, look in enumerate(rule.looks):
            found = compare_ranks(
                np.zeros(look), row[:look], paired=True, rng=np.random.default_rng(0)
            )
            if found.p_value < rule.levels[number]:
                assert (stopped, verdict) == (look, np.sign(found.effect))
                assert Standing(rule, number + 1, ended=True).p_value(found.p_value) < 0.05
                break
        else:
            assert (stopped, verdict) == (30, 0)
            assert Standing(rule, 4, ended=True).p_value(found.p_value) >= 0.05


def test_signed_rank_sums_are_as_correlated_as_the_rule_takes_them() -> None:
    signs = drawn(30, trials=20_000)
    sums = []
    for n in (5, 12, 30):
        ranks = np.abs(signs[:, :n]).argsort(1).argsort(1) + 1
        sums.append((np.sign(signs[:, :n]) * ranks).sum(1))
    found = np.corrcoef(sums)
    for row, n in enumerate((5, 12, 30)):
        for column, m in enumerate((5, 12, 30)):
            if n < m:
                expected = math.sqrt(information(n) / information(m))
                assert found[row, column] == pytest.approx(expected, abs=0.015)


@pytest.mark.parametrize("n", [1, 6, 13, 50, 51, 80])
def test_the_p_value_of_each_rank_sum_is_that_of_the_test(n: int) -> None:
    rng = np.random.default_rng(n)
    for _ in range(5):
        gains = rng.normal(0.2, 1, n)
        ranks = np.abs(gains).argsort().argsort() + 1
        above = int(ranks[gains > 0].sum())
        assert signed_rank_p_values(n)[above] == pytest.approx(paired_test(gains))


def test_looks_that_could_not_decide_are_left_out() -> None:
    assert make_rule(30, 5).looks == (15, 20, 25, 30)  # five or ten pairs never reach the level
    assert make_rule(30, 5, "pocock").looks == (10, 15, 20, 25, 30)
    assert make_rule(8).looks == (8,)
    assert (default_block(30), default_block(60), default_block(6)) == (5, 10, 5)
    for words in ((5, None, "pocock"), (1, 1, "obrien-fleming")):
        with pytest.raises(UserError, match="cannot show a difference"):
            make_rule(*words)
    with pytest.raises(UserError, match="no spending function linear; there are obrien-fleming"):
        make_rule(30, 5, "linear")


def test_effects_and_seeds_are_inverse() -> None:
    plan = seeds_for(0.7, 0.8)
    assert plan is not None
    effect = effect_for(plan.rule, 0.8)
    assert effect is not None
    assert 0.5 < effect < 0.75
    assert effect_for(make_rule(8), 0.9999999) is None or effect_for(make_rule(8), 0.99) is not None
    assert seeds_for(0.02, 0.8) is None  # more than a thousand seeds
