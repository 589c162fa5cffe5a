import numpy as np
import pytest

from oneshot_hpo.experiments.numbers.rank_correlation import LEAST, rank_correlation
from oneshot_hpo.experiments.numbers.spread import Steps, spread, spread_of_steps


def test_quartiles_lie_between_order_statistics() -> None:
    found = spread(np.array([1.0, 2.0]), np.array([[4.0, 0], [1, 0], [2, 0], [3, 8]]))
    assert found.low.tolist() == [1.75, 0]
    assert found.median.tolist() == [2.5, 0]
    assert found.high.tolist() == [3.25, 2]
    assert found.count == 4


@pytest.mark.parametrize("runs", [1, 2, 5, 8])
def test_without_crashes_they_are_those_of_numpy(runs: int) -> None:
    values = np.random.default_rng(runs).random((runs, 30))
    found = spread(np.arange(30.0), values)
    for share, part in ((0.25, found.low), (0.5, found.median), (0.75, found.high)):
        np.testing.assert_allclose(part, np.quantile(values, share, axis=0), rtol=1e-12)


def test_a_crash_is_worse_than_any_number() -> None:
    inf = np.inf
    columns = [[1, 2, 3, 4, inf], [1, 2, 3, inf, inf], [1, 2, inf, inf, inf], [inf] * 5]
    found = spread(np.arange(4.0), np.array(columns).T)
    assert found.low.tolist() == [2, 2, 2, inf]
    assert found.median.tolist() == [3, 3, inf, inf]
    assert found.high.tolist() == [4, inf, inf, inf]


def test_steps_are_compared_where_all_have_begun_and_none_has_ended() -> None:
    one = Steps(np.array([1.0, 4, 9]), np.array([8.0, 4, 2]))
    two = Steps(np.array([2.0, 4, 6]), np.array([6.0, 5, 1]))
    found = spread_of_steps([one, two])
    assert found is not None
    assert found.x.tolist() == [2, 4, 6]
    assert found.median.tolist() == [7, 4.5, 2.5]
    held = spread_of_steps([one, two], hold=True)
    assert held is not None
    assert held.x.tolist() == [2, 4, 6, 9]
    assert held.median.tolist() == [7, 4.5, 2.5, 1.5]


def test_runs_that_never_overlap_have_no_spread() -> None:
    early, late = (Steps(np.array([x, x + 1.0]), np.ones(2)) for x in (1.0, 5.0))
    assert spread_of_steps([early, late]) is None


def test_long_runs_are_thinned_but_keep_both_ends() -> None:
    x = np.arange(1.0, 5001)
    found = spread_of_steps([Steps(x, 1 / x)] * 3)
    assert found is not None
    assert len(found.x) <= 300
    assert (found.x[0], found.x[-1]) == (1, 5000)
    np.testing.assert_array_equal(found.median, 1 / found.x)


def test_rank_correlation_is_spearmans() -> None:
    from scipy import stats

    rng = np.random.default_rng(0)
    x = rng.integers(0, 6, 40)  # with ties
    y = x + rng.normal(0, 3, 40)
    found = rank_correlation(x, y)
    assert found.rho == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-12)
    assert found.low < found.rho < found.high
    assert found.n == 40


def test_its_interval_covers_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    inside = 0
    for _ in range(600):
        x, noise = rng.normal(size=(2, 30))
        found = rank_correlation(x, 0.5 * x + np.sqrt(0.75) * noise)
        inside += found.low <= 6 / np.pi * np.arcsin(0.25) <= found.high
    assert 0.92 < inside / 600 < 0.98


def test_a_crash_ranks_last_and_too_few_pairs_say_nothing() -> None:
    assert rank_correlation([1, 2, 3, 4, np.inf], [1, 2, 3, 4, 9]).rho == 1
    assert np.isnan(rank_correlation(range(LEAST - 1), range(LEAST - 1)).rho)
    assert np.isnan(rank_correlation([1, 2, 3, 4, 5], [7] * 5).rho)
