import numpy as np
import pytest
import scipy.stats
from statsmodels.nonparametric.api import KDEMultivariate

from oneshot_hpo.hpo.bohb.kde import (
    ProductKernelDensity,
    expected_improvement_order,
    most_promising,
)

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")

CONTINUOUS = (0,) * 9
MIXED = (0, 3, 0, 2, 0, 5, 0, 0, 4)


def sample(n: int, levels: tuple[int, ...], seed: int) -> np.ndarray:
    """Each level occurs, with unequal counts, so that statsmodels counts them correctly."""
    rng = np.random.default_rng(seed)
    data = rng.beta(2, 3, size=(n, len(levels)))
    for j, k in enumerate(levels):
        if k:
            data[:, j] = np.concatenate([np.arange(k), np.zeros(n - k)])
    return data


@pytest.mark.parametrize("levels", [CONTINUOUS, MIXED], ids=["continuous", "mixed"])
@pytest.mark.parametrize("n", [100, 1000, 2500])
def test_bandwidths_and_densities_are_those_of_statsmodels(levels: tuple[int, ...], n: int) -> None:
    data, points = sample(n, levels, seed=1), sample(64, levels, seed=2)
    kinds = "".join("u" if k else "c" for k in levels)
    stock = KDEMultivariate(data=data, var_type=kinds, bw="normal_reference")
    stock.bw = np.clip(stock.bw, 1e-3, None)
    ours = ProductKernelDensity(data, np.array(levels), min_bandwidth=1e-3)
    np.testing.assert_allclose(ours.bandwidths, stock.bw, rtol=1e-12)
    np.testing.assert_allclose(ours.density(points), stock.pdf(points), rtol=1e-12)


def test_narrow_clusters_and_outliers_lose_no_digits() -> None:
    rng = np.random.default_rng(0)
    data = np.column_stack([0.999 + 1e-6 * rng.random(1000), 0.5 + 1e-3 * rng.random(1000)])
    data[0] = [0.999, 0.0]
    points = data[:64] + 1e-3 * rng.normal(size=(64, 2))
    stock = KDEMultivariate(data=data, var_type="cc", bw="normal_reference")
    stock.bw = np.clip(stock.bw, 1e-3, None)
    ours = ProductKernelDensity(data, np.array([0, 0]), min_bandwidth=1e-3)
    np.testing.assert_allclose(ours.density(points), stock.pdf(points), rtol=1e-12)


def test_density_integrates_to_one() -> None:
    data = np.column_stack([np.linspace(0.4, 0.6, 20), np.arange(20) % 2])
    density = ProductKernelDensity(data, np.array([0, 3]), min_bandwidth=1e-3)
    x = np.linspace(-2, 3, 2001)
    total = sum(
        density.density(np.column_stack([x, np.full_like(x, level)])).sum() * (x[1] - x[0])
        for level in range(3)
    )
    assert total == pytest.approx(1, rel=1e-6)


def test_an_unseen_level_has_a_small_finite_density() -> None:
    data = np.column_stack([np.linspace(0, 1, 10), np.zeros(10)])  # level 0 of 3 alone
    stock = KDEMultivariate(data=data, var_type="cu", bw=[0.1, 1e-3])
    with np.errstate(divide="ignore"):
        assert np.isinf(stock.pdf([0.5, 1.0]))  # the defect
    ours = ProductKernelDensity(data, np.array([0, 3]), min_bandwidth=1e-3)
    seen, unseen = ours.density(np.array([[0.5, 0.0], [0.5, 1.0]]))
    assert unseen == pytest.approx(seen * (1e-3 / 2) / (1 - 1e-3))


def test_category_bandwidths_end_where_the_kernel_is_uniform() -> None:
    # 27 observations of an unordered category of 3 in 26 dimensions, at its two outer levels.
    rng = np.random.default_rng(0)
    data = rng.random((27, 26))
    data[:, 0] = np.where(np.arange(27) % 2, 0, 2)
    levels = np.array([3] + [0] * 25)
    stock = KDEMultivariate(data=data, var_type="u" + "c" * 25, bw="normal_reference")
    assert stock.bw[0] > 2 / 3  # the defect
    ours = ProductKernelDensity(data, levels, min_bandwidth=1e-3)
    assert ours.bandwidths[0] == 2 / 3
    points = np.repeat(data[:1], 3, axis=0)
    points[:, 0] = [0, 1, 2]
    at_each_level = ours.density(points)
    np.testing.assert_allclose(at_each_level, at_each_level[0], rtol=1e-12)


def test_numbers_are_drawn_from_widened_truncated_gaussians() -> None:
    density = ProductKernelDensity(np.array([[0.1], [0.1]]), np.array([0]), min_bandwidth=0.1)
    drawn = density.draw(20_000, 3, np.random.default_rng(0))[:, 0]
    expected = scipy.stats.truncnorm(-1 / 3, 3, loc=0.1, scale=0.3)
    assert scipy.stats.kstest(drawn, expected.cdf).pvalue > 0.01


def test_categories_are_kept_or_drawn_from_all_levels() -> None:
    density = ProductKernelDensity(np.zeros((4, 1)), np.array([4]), min_bandwidth=0.4)
    drawn = density.draw(20_000, 3, np.random.default_rng(0))[:, 0]
    shares = np.bincount(drawn.astype(int), minlength=4) / len(drawn)
    np.testing.assert_allclose(shares, [0.7, 0.1, 0.1, 0.1], atol=0.01)


def test_order_is_by_density_ratio_with_floors_and_stable() -> None:
    good = np.array([1.0, 2.0, 0.0, 1e-40, 2.0])
    bad = np.array([1.0, 1.0, 1.0, 1e-50, 1.0])
    assert expected_improvement_order(good, bad).tolist() == [1, 4, 0, 3, 2]


@pytest.mark.parametrize("levels", [CONTINUOUS, MIXED, (3, 2, 4)], ids=["numbers", "mixed", "none"])
@pytest.mark.parametrize("n", [50, 1024, 1025, 6000])
@pytest.mark.parametrize("weighed", [False, True])
def test_the_most_promising_is_the_first_in_order(
    levels: tuple[int, ...], n: int, weighed: bool
) -> None:
    for seed in range(5):
        bad = ProductKernelDensity(sample(n, levels, seed), np.array(levels), min_bandwidth=1e-3)
        best = sample(40, levels, seed + 100) ** 2 if not any(levels) else sample(40, levels, seed)
        good = ProductKernelDensity(best, np.array(levels), min_bandwidth=1e-3)
        points = good.draw(64, 3, np.random.default_rng(seed))
        factor = np.random.default_rng(seed).normal(size=64) if weighed else None
        order = expected_improvement_order(good.density(points), bad.density(points), factor)
        assert most_promising(points, good.density(points), bad, factor) == order[0]


def test_the_most_promising_of_equal_candidates_is_the_first() -> None:
    bad = ProductKernelDensity(sample(3000, CONTINUOUS, 0), np.array(CONTINUOUS), min_bandwidth=0.1)
    points = np.repeat(sample(2, CONTINUOUS, 1), 20, axis=0)
    good = np.repeat([1.0, 2.0], 20)
    order = expected_improvement_order(good, bad.density(points))
    assert most_promising(points, good, bad) == order[0]
    nothing = np.full((64, 9), 1e6)  # no observation is near: all densities have the same floor
    assert most_promising(nothing, np.zeros(64), bad) == 0
