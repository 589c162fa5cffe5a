import numpy as np
import pytest
from scipy import stats

from oneshot_hpo.experiments.analyze import ranks


def pairs(n=60):
    """With ties on both sides."""
    rng = np.random.default_rng(1)
    x = rng.integers(15, size=n).astype(float)
    return x, np.round(x / 3 + rng.normal(size=n))


@pytest.mark.parametrize(
    ("own", "theirs"), [(ranks.spearman, stats.spearmanr), (ranks.kendall, stats.kendalltau)]
)
def test_correlations_are_scipys_in_the_sample_and_in_each_resample(own, theirs):
    x, y = pairs()
    assert own(x, y) == pytest.approx([theirs(x, y).statistic])
    weights = ranks.resamples(len(x), np.random.default_rng(0))[:20]
    rows = [np.repeat(np.arange(len(x)), row.astype(int)) for row in weights]
    wanted = [theirs(x[row], y[row]).statistic for row in rows]
    assert own(x, y, weights) == pytest.approx(wanted, rel=1e-5)


def test_a_constant_side_has_no_correlation():
    x, _ = pairs()
    assert ranks.spearman(x, np.ones(len(x))) == 0
    assert ranks.kendall(x, np.ones(len(x))) == 0


@pytest.mark.slow
def test_an_interval_covers_the_correlation_of_the_population():
    """Of 40 samples from a population with a known correlation, about 38 intervals cover it."""
    rng = np.random.default_rng(0)
    rho = 0.6
    population = 6 / np.pi * np.arcsin(rho / 2)  # Spearman's of a normal law with Pearson's rho
    covered = 0
    for _ in range(40):
        x = rng.normal(size=100)
        y = rho * x + np.sqrt(1 - rho**2) * rng.normal(size=100)
        weights = ranks.resamples(100, rng)
        found = ranks.estimate(lambda _, w, x=x, y=y: ranks.spearman(x, y, w), 1, weights)
        covered += found.low <= population <= found.high
    assert 34 <= covered <= 40


def test_supernets_that_differ_widen_the_interval():
    x, y = pairs(200)
    rng = np.random.default_rng(0)
    weights = ranks.resamples(200, rng)
    same = ranks.estimate(lambda _, w: ranks.spearman(x, y, w), 2, weights)
    sides = [y, -y]
    apart = ranks.estimate(lambda i, w: ranks.spearman(x, sides[i], w), 2, weights)
    assert apart.value == pytest.approx(0, abs=1e-12)
    assert apart.sign == 0
    assert same.sign == 1
    assert apart.high - apart.low > 2 * (same.high - same.low)


@pytest.mark.parametrize("spread", [0.1, 0.4])
def test_an_interval_covers_the_mean_of_all_supernets(spread):
    """Three of many supernets, whose statistics differ by the spread, and cells that add .05."""
    rng, trials = np.random.default_rng(2), 600
    covered = 0
    for _ in range(trials):
        supernets, cells = rng.normal(0, spread, 3), rng.normal(0, 0.05)
        weights = rng.normal(0, 0.05, (60, 1))

        def statistic(i, w, supernets=supernets, cells=cells):
            return supernets[i] + cells + (np.zeros(1) if w is None else w[:, 0])

        found = ranks.estimate(statistic, 3, weights)
        covered += found.low <= 0 <= found.high
    assert covered / trials == pytest.approx(0.95, abs=0.03)


def test_of_one_supernet_the_interval_is_over_cells_and_says_so():
    x, y = pairs(200)
    weights = ranks.resamples(200, np.random.default_rng(0))
    one = ranks.estimate(lambda _, w: ranks.spearman(x, y, w), 1, weights)
    low, high = np.quantile(ranks.spearman(x, y, weights), (0.025, 0.975))
    assert (one.low, one.high, one.supernets) == (low, high, 1)
    assert "says nothing of other supernets" in ranks.interval_words(1)
    assert "mean of 3 supernets; 95 % over supernets and cells" in ranks.interval_words(3)


def test_no_interval_goes_beyond_what_can_be():
    x, y = pairs(200)
    weights = ranks.resamples(200, np.random.default_rng(0))
    sides = [y, -y]
    apart = ranks.estimate(lambda i, w: ranks.spearman(x, sides[i], w), 2, weights, limit=1)
    assert (apart.low, apart.high) == (-1, 1)


def test_the_best_of_random_cells_is_as_expected():
    errors = np.array([0.5, 0.1, 0.4, 0.2, 0.3])
    subsets = [min(a, b) for i, a in enumerate(errors) for b in errors[:i]]
    assert ranks.expected_best(errors, 2) == pytest.approx(np.mean(subsets))
    assert ranks.expected_best(errors, 1) == pytest.approx(errors.mean())
    assert ranks.expected_best(errors, 5) == pytest.approx(0.1)
    found = ranks.random_best([errors] * 3, 2, np.random.default_rng(0))
    assert found.value == pytest.approx(np.mean(subsets))
    assert found.low < found.value < found.high
    with pytest.raises(ValueError, match="6 of 5"):
        ranks.expected_best(errors, 6)


def test_the_best_of_the_first_draws_among_ties():
    errors = np.array([0.5, 0.1, 0.4, 0.2])
    assert ranks.best_of_first(np.array([1.0, 2.0, 3.0, 4.0]), errors, 1) == 0.5
    assert ranks.best_of_first(np.array([1.0, 2.0, 3.0, 4.0]), errors, 2) == 0.1
    # First 0.5, then 0.1 or 0.4 with equal chances.
    tied = ranks.best_of_first(np.array([1.0, 2.0, 2.0, 4.0]), errors, 2)
    assert tied == pytest.approx((0.1 + 0.4) / 2)
    same = ranks.best_of_first(np.ones(4), errors, 2)
    assert same == pytest.approx(ranks.expected_best(errors, 2))


def test_percentiles_are_shares_of_the_sample():
    assert ranks.percentiles(np.array([3.0, 1.0, 2.0, 2.0])).tolist() == [87.5, 12.5, 50.0, 50.0]
