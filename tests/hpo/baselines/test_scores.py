"""Scores without training: alone, and as a warm start."""

import numpy as np
import pytest
from support.planted import Planted, run, seeds

from oneshot_hpo.hpo.baselines.architectures import best_first

PLANTED = Planted(dimensions=5, values=4)


def number(configurations: np.ndarray) -> np.ndarray:
    return np.ravel_multi_index(tuple(np.moveaxis(configurations, -1, 0)), PLANTED.choices)


def test_the_best_of_a_pool_come_first_and_then_another_pool() -> None:
    proposed, *_ = run("zero_cost", PLANTED, 100, seeds(3), pool=50)
    scores = PLANTED.scores()[number(proposed)]
    for own, numbers in zip(scores, number(proposed), strict=True):
        assert (np.diff(own[:50]) <= 0).all() and (np.diff(own[50:]) <= 0).all()
        assert own[50] > own[49]
        assert len(set(numbers.tolist())) == 100
    everything, *_ = run("zero_cost", PLANTED, 5, seeds(3), pool=10_000)
    best = np.sort(PLANTED.scores())[::-1][:5]
    np.testing.assert_array_equal(PLANTED.scores()[number(everything)], [best] * 3)


@pytest.mark.parametrize(
    ("method", "settings", "count"),
    [
        ("re", {"population": 12}, 12),
        ("ls", {"starts": 6}, 6),
        ("weak", {"startup": 12, "width": 8, "layers": 1, "epochs": 5}, 12),
        ("pnas", {"startup": 12, "batch": 10, "steps": 3}, 12),
    ],
)
def test_a_warm_start_is_the_best_of_its_pool(method: str, settings: dict, count: int) -> None:
    proposed, *_ = run(
        method, PLANTED, count + 8, seeds(3), warm_start="parameters", pool=5000, **settings
    )
    best = np.sort(PLANTED.scores())[::-1][:count]
    found = PLANTED.scores()[number(proposed[:, :count])]
    np.testing.assert_array_equal(found, [best] * 3)
    small, *_ = run(
        method, PLANTED, count, seeds(3), warm_start="parameters", pool=count + 20, **settings
    )
    assert len({row.tobytes() for row in small}) == 3  # pools are the repetitions' own
    cold, *_ = run(method, PLANTED, count, seeds(3), **settings)
    means = [PLANTED.scores()[number(one)].mean() for one in (proposed[:, :count], small, cold)]
    assert means == sorted(means, reverse=True)


def test_what_has_no_score_comes_last() -> None:
    score = np.array([1.0, np.nan, 3.0, -np.inf, 3.0])
    assert best_first([1, 3, 0, 4, 2], score) == [4, 2, 0, 3, 1]
