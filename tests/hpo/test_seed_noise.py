import numpy as np
import pytest

from oneshot_hpo.hpo.seed_noise import (
    LEAST,
    LEAST_REPEATS,
    MOST,
    pooled_variance,
    repeated_noise,
    smooth_noise,
)

NUMBERS = np.zeros(3, np.int64)


def smooth(vectors: np.ndarray) -> np.ndarray:
    return ((vectors - 0.4) ** 2).sum(1)


@pytest.mark.parametrize("noise", [0.01, 0.1, 1.0])
def test_the_planted_noise_is_found(noise: float) -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(8):
        vectors = rng.random((40, 3))
        losses = smooth(vectors) + noise * rng.standard_normal(40)
        estimate = smooth_noise(vectors, losses, NUMBERS)
        assert estimate is not None
        found.append(estimate.deviation)
    assert np.median(found) == pytest.approx(noise, rel=0.25)


def test_a_few_failures_do_not_count_as_noise() -> None:
    rng = np.random.default_rng(1)
    vectors = rng.random((40, 3))
    losses = smooth(vectors) + 0.05 * rng.standard_normal(40)
    losses[:3] = 90.0
    found = smooth_noise(vectors, losses, NUMBERS)
    assert found is not None
    assert found.deviation < 0.5


def test_categories_and_inactive_hyperparameters_are_compared() -> None:
    rng = np.random.default_rng(2)
    levels = np.array([3, 0])
    vectors = np.column_stack([rng.integers(3, size=60), rng.random(60)])
    vectors[vectors[:, 0] == 2, 1] = np.nan
    losses = vectors[:, 0] + np.nan_to_num(vectors[:, 1]) + 0.05 * rng.standard_normal(60)
    found = smooth_noise(vectors, losses, levels)
    assert found is not None
    assert found.deviation == pytest.approx(0.05, rel=0.5)


def test_too_few_or_equal_losses_say_nothing() -> None:
    vectors = np.random.default_rng(3).random((LEAST, 3))
    assert smooth_noise(vectors[1:], smooth(vectors[1:]), NUMBERS) is None
    assert smooth_noise(vectors, np.full(LEAST, 0.1), NUMBERS) is None


def test_the_units_follow() -> None:
    rng = np.random.default_rng(4)
    vectors = rng.random((30, 3))
    losses = smooth(vectors) + 0.1 * rng.standard_normal(30)
    one = smooth_noise(vectors, losses, NUMBERS)
    in_percent = smooth_noise(vectors, 100 * losses + 5, NUMBERS)
    assert one is not None
    assert in_percent is not None
    assert in_percent.deviation == pytest.approx(100 * one.deviation)
    assert in_percent.uncertainty == pytest.approx(one.uncertainty)


def test_repeats_are_pooled() -> None:
    losses = np.random.default_rng(5).normal(0, 0.1, (4, 6)) + np.arange(4)[:, None]
    found = repeated_noise([*losses.tolist(), [3.0]])
    assert found is not None
    assert found.deviation == pytest.approx(np.sqrt(np.var(losses, axis=1, ddof=1).mean()))
    assert found.uncertainty == pytest.approx(1 / np.sqrt(2 * 20))
    assert repeated_noise([losses[0, :LEAST_REPEATS].tolist(), [1.0]]) is None
    assert repeated_noise([[1.0] * 10]) is None


@pytest.mark.slow
def test_of_a_large_study_some_evaluations_are_looked_at() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.random((20 * MOST, 3))
    losses = vectors.sum(axis=1) + rng.normal(0, 0.1, len(vectors))
    noise = smooth_noise(vectors, losses, np.zeros(3, np.int64))
    assert noise is not None and noise.deviation == pytest.approx(0.1, rel=0.1)


def test_variances_are_pooled_by_their_degrees_of_freedom() -> None:
    groups = [[1.0, 3.0], [5.0], [2.0, 2.0, 8.0]]
    variance, degrees = pooled_variance(groups)
    assert degrees == 3
    assert variance == pytest.approx((2.0 + 2 * np.var(groups[2], ddof=1)) / 3)
    assert pooled_variance([[1.0], []]) == (0.0, 0)
