"""The one rule of the incumbent, for single evaluations and for arrays of repetitions."""

from pathlib import Path

import numpy as np
from support.toy_study import create, drive

from oneshot_hpo import hpo
from oneshot_hpo.hpo.incumbent import beats, incumbent_places


def test_incumbents_are_the_best_at_the_largest_budget_so_far() -> None:
    losses = np.array([[0.5, 0.2, 0.6, 0.1, 0.6, 0.3], [0.1, 0.1, 0.2, 0.1, 0.1, 0.1]])
    budgets = np.array([1, 1, 2, 1, 2, 2])
    np.testing.assert_array_equal(
        incumbent_places(losses, budgets), [[0, 1, 2, 2, 2, 5], [0, 0, 2, 2, 4, 4]]
    )


def test_a_larger_budget_counts_more_than_a_lower_loss_and_the_first_of_equals_stays() -> None:
    assert beats(2, 0.9, 1, 0.1)
    assert not beats(1, 0.1, 2, 0.9)
    assert beats(2, 0.1, 2, 0.2)
    assert not beats(2, 0.2, 2, 0.2)


def test_a_study_follows_the_rule_after_each_evaluation(tmp_path: Path) -> None:
    with create(tmp_path) as study:
        drive(study)
    view = hpo.read_study(tmp_path)
    losses = np.array([[np.inf if r.crashed else r.loss for _, r in view.evaluations]], float)
    budgets = np.array([trial.budget for trial, _ in view.evaluations])
    last = incumbent_places(losses, budgets)[0, -1]
    assert view.incumbent == view.evaluations[last]
