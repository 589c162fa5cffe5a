"""Boundaries against published ones, and what they promise against simulated Brownian motions."""

import math

import numpy as np
import pytest

from oneshot_hpo.experiments.sequential.boundaries import (
    SPENDING,
    boundaries,
    crossings,
)

FIFTHS = [0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize(
    ("spending", "published"),
    [
        # Two-sided level 5 %, five looks: Lan and DeMets (1983); programs ld98, gsDesign, ldbounds.
        ("obrien-fleming", [4.877, 3.357, 2.680, 2.290, 2.031]),
        ("pocock", [2.438, 2.427, 2.410, 2.397, 2.386]),
    ],
)
def test_bounds_are_the_published_ones(spending: str, published: list[float]) -> None:
    assert boundaries(FIFTHS, 0.05, spending) == pytest.approx(published, abs=6e-4)


def test_one_sided_bounds_are_those_of_another_program() -> None:
    """SeqBounds.jl's manual: one-sided level 5 %, so 10 % on both sides."""
    found = boundaries([0.25, 0.5, 0.75, 1.0], 0.10, "obrien-fleming")
    assert found == pytest.approx([3.74955, 2.53993, 2.01604, 1.72014], abs=5e-5)


@pytest.mark.parametrize(("looks", "level"), [(2, 0.042), (4, 0.063), (10, 0.097), (20, 0.124)])
def test_looking_often_without_a_rule_is_what_the_literature_says(looks: int, level: float) -> None:
    """Anderson's Deming lecture (2008), in the tests of gsDesign: 2.5 % on one side, each look."""
    times = np.arange(1, looks + 1) / looks
    found = crossings(times.tolist(), [1.959964] * looks)
    assert found[0].sum() == pytest.approx(level, abs=6e-4)


@pytest.mark.parametrize(
    "bounds",
    [
        [2.413] * 5,  # Pocock's constant, Jennison and Turnbull (2000), table 2.1
        [2.040 * math.sqrt(5 / look) for look in range(1, 6)],  # O'Brien and Fleming's, table 2.3
    ],
)
def test_constants_of_five_looks_spend_five_percent(bounds: list[float]) -> None:
    assert crossings(FIFTHS, bounds).sum() == pytest.approx(0.05, abs=5e-5)


def test_the_power_is_the_published_one() -> None:
    """Reboussin, DeMets, Kim and Lan (2000): six unequal looks, drift 3.242, power 90 %."""
    times = [0.13, 0.4, 0.69, 0.9, 0.98, 1.0]
    bounds = [5.3666, 3.7102, 2.9728, 2.5365, 2.2154, 1.9668]
    assert crossings(times, bounds).sum() == pytest.approx(0.05, abs=5e-5)
    assert crossings(times, bounds, 3.242)[0].sum() == pytest.approx(0.9, abs=5e-4)


@pytest.mark.parametrize("spending", SPENDING)
def test_each_look_spends_its_part_however_looks_lie(spending: str) -> None:
    times = [0.1, 0.15, 0.5, 0.93, 1.0]
    spent = np.cumsum(crossings(times, boundaries(times, 0.05, spending)).sum(0))
    expected = [2 * SPENDING[spending](time, 0.025) for time in times]
    assert spent == pytest.approx(expected, abs=1e-8)
    assert spent[-1] == pytest.approx(0.05, abs=1e-8)


@pytest.mark.parametrize("drift", [0.0, 1.5, 8.0])
def test_crossings_are_those_of_simulated_motions(drift: float) -> None:
    times, bounds = [0.3, 0.7, 1.0], [2.2, 2.1, 2.0]
    steps = np.diff([0.0, *times])
    walks = np.random.default_rng(0).standard_normal((100_000, 3)) * np.sqrt(steps) + drift * steps
    z = walks.cumsum(1) / np.sqrt(times)
    stopped = np.abs(z) >= bounds
    first = stopped & (np.cumsum(stopped, 1) == 1)
    found = [(first & (sign * z > 0)).mean(0) for sign in (1, -1)]
    assert crossings(times, bounds, drift) == pytest.approx(np.array(found), abs=0.006)
