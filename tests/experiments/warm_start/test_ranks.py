"""Losses that cannot be compared, replaced by ranks."""

import numpy as np

from oneshot_hpo.experiments.warm_start.ranks import by_order
from oneshot_hpo.hpo import Observation


def test_a_rank_is_the_share_that_is_better_at_that_budget() -> None:
    losses = [(3, 7.0), (3, 5.0), (9, 100.0), (3, 7.0), (3, None), (3, -2.0), (9, 1e9)]
    results = [Observation({"x": n}, *one) for n, one in enumerate(losses)]
    ranked = by_order(results, below=4)
    assert [one.loss for one in ranked] == [0.5, 0.25, 0, 0.5, None, 0, 0.5]
    assert [one.config for one in ranked] == [one.config for one in results]


def test_budgets_keep_their_order_and_stay_below() -> None:
    results = [Observation({}, budget, 0.5) for budget in (1, 3, 9)]
    assert np.allclose([one.budget for one in by_order(results, below=3)], [1 / 6, 0.5, 1.5])
