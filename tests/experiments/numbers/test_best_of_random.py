import numpy as np
import pytest

from oneshot_hpo.experiments.numbers.best_of_random import MOST, BestOfRandom


@pytest.mark.parametrize("n", [1, 4, 30])
def test_median_and_mean_are_those_of_drawn_searches(n: int) -> None:
    rng = np.random.default_rng(0)
    valid = rng.integers(12, size=40) / 100  # ties
    test = valid + rng.normal(0, 0.02, 40)
    weights = rng.integers(1, 5, 40).astype(float)
    drawn = rng.choice(40, p=weights / weights.sum(), size=(40_000, n))
    found = test[drawn[np.arange(len(drawn)), valid[drawn].argmin(axis=1)]]
    low, high = np.quantile(found, (0.48, 0.52))
    best = BestOfRandom(valid, test, weights)
    assert low <= best.median(n) <= high
    assert abs(best.mean(n) - found.mean()) <= 4 * found.std() / np.sqrt(len(found))


def test_one_training_finds_the_median_cell_and_many_the_best() -> None:
    errors = np.array([0.4, 0.1, 0.3, 0.2, 0.5])
    best = BestOfRandom(errors, errors, np.ones(5))
    assert best.median(1) == 0.3 and best.median(50) == 0.1
    assert best.mean(1) == pytest.approx(0.3) and best.mean(200) == pytest.approx(0.1)
    assert BestOfRandom(errors, errors, np.array([9.0, 1, 1, 1, 1])).median(1) == 0.4


def test_worth_is_the_least_number_that_finds_as_much() -> None:
    errors = np.arange(1, 1001) / 1000
    best = BestOfRandom(errors, errors, np.ones(1000))
    for n in (1, 2, 7, 64, 300):
        worth = best.worth(best.median(n))
        assert worth is not None and best.median(worth) == best.median(n)
        assert worth == 1 or best.median(worth - 1) > best.median(n)
    assert best.worth(1.0) == 1
    assert best.worth(0.0005) is None and MOST == 1_000_000
