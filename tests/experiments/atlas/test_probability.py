from itertools import islice

import numpy as np
import pytest

from oneshot_hpo.experiments.atlas.probability import probability_of_best


def worlds(number: int, cells: int, error: float):
    """True errors, normal or with a long tail to the right, and what is seen of them."""
    rng = np.random.default_rng(7)
    for world in range(number):
        true = rng.normal(6, 1, cells) if world % 2 else 5 + rng.gamma(2, 2, cells)
        yield true, true + rng.normal(0, error, cells)


def log_score(chances: np.ndarray, best: int) -> float:
    return float(np.log(max(chances[best], 1e-9)))


def test_they_add_up_and_follow_the_means() -> None:
    means = np.random.default_rng(0).gamma(3, 1, 500)
    chances = probability_of_best(means, 0.3)
    assert chances.sum() == pytest.approx(1)
    assert (np.diff(chances[np.argsort(means)]) <= 1e-12).all()


def test_equal_means_are_equally_likely() -> None:
    means = np.concatenate([np.full(4, 5.0), np.linspace(8, 20, 200)])
    assert probability_of_best(means, 0.5)[:4] == pytest.approx([0.25] * 4, abs=0.01)


def test_a_cell_far_ahead_is_the_best() -> None:
    means = np.concatenate([[1.0], np.linspace(5, 9, 300)])
    chances = probability_of_best(means, 0.1)
    assert chances[0] == pytest.approx(1)
    assert chances[-1] == 0  # out of reach


def test_the_unit_does_not_matter() -> None:
    means = np.random.default_rng(3).gamma(3, 1, 100)
    percent = probability_of_best(100 * means + 7, 30.0)
    assert percent == pytest.approx(probability_of_best(means, 0.3), rel=1e-6)


@pytest.mark.slow
def test_what_it_says_of_a_long_tail_comes_true() -> None:
    """Of the five likeliest cells, one is the best in about as many of 60 worlds as it says.

    Means and noise alone would say 0.79 where 0.67 come true.
    """
    said, hits = [], []
    for true, seen in islice(worlds(120, 200, 0.5), 0, None, 2):
        chances = probability_of_best(seen, 0.5)
        likely = np.argsort(-chances)[:5]
        said.append(chances[likely].sum())
        hits.append(true.argmin() in likely)
    share = np.mean(hits)
    assert abs(np.mean(said) - share) <= 2 * np.sqrt(share * (1 - share) / len(hits))


@pytest.mark.slow
def test_what_it_says_comes_true() -> None:
    """Planted true errors: cells called the best with probability p are so in about p of cases.

    And it says more of the truth than means and noise alone, without a prior.
    """
    said, hits, scores, flat_scores = [], [], [], []
    for true, seen in worlds(400, 200, 0.5):
        chances = probability_of_best(seen, 0.5)
        likely = np.argsort(-chances)[:5]
        said.append(chances[likely])
        hits.append(likely == true.argmin())
        scores.append(log_score(chances, true.argmin()))
        draws = seen + np.random.default_rng(0).normal(0, 0.5, (400, 200))
        flat = np.bincount(draws.argmin(1), minlength=200) / 400
        flat_scores.append(log_score(np.maximum(flat, 1e-3), true.argmin()))
    assert np.mean(hits) == pytest.approx(np.mean(said), abs=0.03)
    assert np.mean(np.array(hits)[:, 0]) == pytest.approx(np.mean(np.array(said)[:, 0]), abs=0.1)
    assert np.mean(scores) > np.mean(flat_scores)


@pytest.mark.slow
def test_a_mean_that_is_the_lowest_of_many_by_luck_is_taken_for_that() -> None:
    """2,685 cells with the noise of the digits, many of them near a floor that none is below."""
    rng, error, worlds = np.random.default_rng(0), 0.62, 60
    said, hits = [], []
    for _ in range(worlds):
        true = 1.5 + rng.exponential(13, 2685)
        chances = probability_of_best(seen := true + rng.normal(0, error, len(true)), error)
        lowest = np.argsort(seen)[:10]
        said.append(chances[lowest].sum())
        hits.append(true.argmin() in lowest)
    deviation = np.sqrt(np.mean(hits) * (1 - np.mean(hits)) / worlds)
    assert abs(np.mean(said) - np.mean(hits)) <= 2.5 * deviation
