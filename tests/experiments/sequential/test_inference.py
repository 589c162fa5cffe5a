"""P values, estimates and intervals after a rule has stopped, against known and simulated ones."""

import math

import numpy as np
import pytest

from oneshot_hpo.experiments.sequential.boundaries import boundaries
from oneshot_hpo.experiments.sequential.inference import (
    drift_at,
    repeated_p_value,
    stopped_p_value,
    tail,
    two_sided_z,
)
from oneshot_hpo.experiments.sequential.rule import Standing, make_rule

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]
BOUNDS = boundaries(FIFTHS, 0.05, "obrien-fleming")


def test_the_interval_of_a_known_trial() -> None:
    """The beta-blocker heart attack trial in Reboussin and others (2000): 0.19 to 4.93."""
    times = [0.2292, 0.3333, 0.4375, 0.5833, 0.7083, 0.8333]
    bounds = [2.53, 2.61, 2.57, 2.47, 2.43, 2.38]
    ends = [drift_at(times, bounds, 2.82, part) for part in (0.025, 0.975)]
    assert ends == pytest.approx([0.188, 4.934], abs=2e-3)


def test_one_look_is_the_usual_test() -> None:
    assert stopped_p_value([1.0], [1.96], 2.5) == pytest.approx(0.0124193, abs=1e-6)
    assert drift_at([1.0], [1.96], 2.5, 0.5) == pytest.approx(2.5)
    assert repeated_p_value([1.0], "pocock", 2.5, look=0) == pytest.approx(0.0124193, abs=1e-6)
    assert two_sided_z(0.05) == pytest.approx(1.959964)


@pytest.mark.parametrize("looks", range(1, 6))
def test_the_p_value_is_below_the_level_exactly_beyond_the_bound(looks: int) -> None:
    times, bound = FIFTHS[:looks], BOUNDS[looks - 1]
    assert stopped_p_value(times, BOUNDS, bound + 1e-4) < 0.05
    assert drift_at(times, BOUNDS, bound + 1e-4, 0.025) > 0
    if looks == 5:
        assert stopped_p_value(times, BOUNDS, bound - 1e-3) > 0.05
        assert drift_at(times, BOUNDS, bound - 1e-3, 0.025) < 0
    repeated = [
        repeated_p_value(FIFTHS, "obrien-fleming", z, look=looks - 1)
        for z in (bound + 1e-4, bound - 1e-4)
    ]
    assert repeated[0] < 0.05 < repeated[1]


def test_estimates_and_intervals_are_right_on_average() -> None:
    """Half of the estimates lie above the true drift, 95 % of the intervals hold it."""
    drift, trials = 2.0, 1000
    steps = np.diff([0.0, *FIFTHS])
    rng = np.random.default_rng(0)
    walks = rng.standard_normal((trials, 5)) * np.sqrt(steps) + drift * steps
    z = walks.cumsum(1) / np.sqrt(FIFTHS)
    stopped = np.abs(z) >= BOUNDS
    stopped[:, -1] = True
    looks = stopped.argmax(1)
    tails = [
        tail(FIFTHS[: look + 1], BOUNDS, float(z[trial, look]), drift)
        for trial, look in enumerate(looks)
    ]
    # The tail at the true drift is uniform: a median unbiased estimate, and intervals of 95 %.
    assert np.mean(np.array(tails) > 0.5) == pytest.approx(0.5, abs=0.04)
    covered = (np.array(tails) > 0.025) & (np.array(tails) < 0.975)
    assert covered.mean() == pytest.approx(0.95, abs=0.018)


def test_repeated_p_values_hold_at_every_look() -> None:
    """Without an effect, in at most 5 % of motions any look has one below 5 %."""
    steps = np.diff([0.0, *FIFTHS])
    walks = np.random.default_rng(1).standard_normal((4000, 5)) * np.sqrt(steps)
    z = walks.cumsum(1) / np.sqrt(FIFTHS)
    # A repeated p value is below the level exactly beyond the level's own bounds.
    below = (np.abs(z) > BOUNDS).any(1)
    assert below.mean() == pytest.approx(0.05, abs=0.01)
    one = int(np.flatnonzero(below)[0])
    look = int((np.abs(z[one]) > BOUNDS).argmax())
    assert repeated_p_value(FIFTHS, "obrien-fleming", float(z[one, look]), look=look) < 0.05


def test_a_standing_adjusts_what_its_looks_allow() -> None:
    rule = make_rule(30)
    assert rule.looks == (15, 20, 25, 30)
    first = Standing(rule, 1, ended=False)
    level = rule.levels[0]
    assert first.p_value(level * 1.001) > 0.05
    assert (first.seeds, first.next_seeds) == (15, 20)
    decided = Standing(rule, 1, ended=True)
    assert decided.p_value(level * 0.999) < 0.05
    assert Standing(rule, 4, ended=True).p_value(0.045) > 0.05  # below 5 % alone
    assert Standing(rule, 0, ended=False).p_value(0.0) == 1.0
    assert Standing(rule, 0, ended=False).one_sided(0.0) == 1.0
    estimate, low, high = decided.effect(level * 0.999, 0.8)
    assert 0 < low < estimate < 0.8 < high <= 1
    mirrored = decided.effect(level * 0.999, -0.8)
    assert mirrored == pytest.approx((-estimate, -high, -low))


def test_a_one_sided_p_value_is_never_below_that_of_the_test_alone() -> None:
    rule = make_rule(30, spending="pocock")
    for looks in range(1, len(rule.looks) + 1):
        standing = Standing(rule, looks, ended=looks == len(rule.looks))
        for alone in (0.0001, 0.004, 0.02, 0.3, 0.7):
            assert standing.one_sided(alone) >= alone
            assert not math.isnan(standing.one_sided(alone))
