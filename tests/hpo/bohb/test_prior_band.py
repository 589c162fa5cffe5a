"""PriorBand's shares and neighbours, by the formulas of its paper."""

import numpy as np
import pytest

from oneshot_hpo.hpo.bohb.prior_band import Evidence, neighbour, shares
from oneshot_hpo.hpo.bohb.prior_density import PriorDensity

LEVELS = np.array([0, 0, 3])
PRIOR = PriorDensity(np.array([0.5, 0.5, 1.0]), np.full(3, 0.25), LEVELS)


def evidence(at: float, best: float) -> Evidence:
    """Nine configurations around a point of the diagonal, in the best third of which is `at`."""
    top = np.full((3, 3), at) + np.array([[0.0], [0.01], [-0.01]]) * [1, 1, 0]
    rest = np.full((6, 3), 0.9)
    ranked = np.concatenate([top, rest])
    ranked[:, 2] = 1
    return Evidence(np.array([best, best, 1.0]), ranked)


@pytest.mark.parametrize("rung", [0, 1, 3])
def test_without_evidence_the_prior_has_eta_to_the_rung_times_the_uniform_share(rung: int) -> None:
    found = shares(rung, 3, PRIOR, LEVELS, None)
    assert found.prior == pytest.approx(3**rung * found.uniform)
    assert sum(found) == pytest.approx(1)
    assert found.neighbours == 0


def test_a_bad_prior_loses_its_share() -> None:
    """The best configurations are far from the prior's centre, and near the best one."""
    good = shares(1, 3, PRIOR, LEVELS, evidence(at=0.5, best=0.1))
    bad = shares(1, 3, PRIOR, LEVELS, evidence(at=0.1, best=0.1))
    assert good.uniform == bad.uniform == 0.25
    assert sum(good) == pytest.approx(1)
    assert sum(bad) == pytest.approx(1)
    assert bad.prior < 0.15 < 0.6 < good.prior


def test_scores_are_weighted_by_rank() -> None:
    """By the paper's formula, with the best of n weighing n."""
    found = shares(0, 3, PRIOR, LEVELS, evidence(at=0.3, best=0.2))
    near = PriorDensity(np.array([0.2, 0.2, 1.0]), np.full(3, 0.25), LEVELS)
    top = evidence(at=0.3, best=0.2).ranked[:3]
    one = np.exp(PRIOR.log_density(top)) @ [3, 2, 1]
    two = np.exp(near.log_density(top)) @ [3, 2, 1]
    assert found.prior == pytest.approx(0.5 * one / (one + two))


def test_neighbours_differ_in_about_half_of_the_dimensions() -> None:
    rng = np.random.default_rng(0)
    best = np.array([0.3, 0.8, 2.0])
    drawn = np.array([neighbour(best, LEVELS, rng) for _ in range(1000)])
    assert (drawn[:, :2] == best[:2]).mean() == pytest.approx(0.5, abs=0.04)
    assert (drawn[:, 2] == 2).mean() == pytest.approx(0.5 + 0.5 * (1 - 0.25 * 2 / 3), abs=0.04)
    assert np.std(drawn[:, 0]) < 0.25


def test_an_inactive_dimension_of_the_best_is_drawn_anew() -> None:
    rng = np.random.default_rng(1)
    best = np.array([0.3, np.nan, 1.0])
    drawn = np.array([neighbour(best, LEVELS, rng)[1] for _ in range(500)])
    assert drawn.mean() == pytest.approx(0.5, abs=0.05)
