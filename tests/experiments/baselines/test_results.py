"""Rows of the results."""

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra baselines")

from oneshot_hpo.experiments.baselines.results import incumbent_places


def test_incumbents_are_the_best_at_the_largest_budget_so_far() -> None:
    losses = np.array([[0.5, 0.2, 0.6, 0.1, 0.6, 0.3], [0.1, 0.1, 0.2, 0.1, 0.1, 0.1]])
    budgets = np.array([1, 1, 2, 1, 2, 2])
    np.testing.assert_array_equal(
        incumbent_places(losses, budgets), [[0, 1, 2, 2, 2, 5], [0, 0, 2, 2, 4, 4]]
    )
