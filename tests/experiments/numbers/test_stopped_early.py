"""A search that was stopped early ends with its last cell, and is no crash."""

import numpy as np

from oneshot_hpo.experiments.analyze.trajectories import _setting
from oneshot_hpo.experiments.numbers.methods import Method
from oneshot_hpo.experiments.numbers.searches import Search
from oneshot_hpo.experiments.numbers.trajectories import _trajectory


def search(*errors: float) -> Search:
    found = np.array(errors)
    return Search(found, found / 2, found / 4, np.ones(len(found)))


SHORT, LONG = search(0.8, 0.4), search(0.6, 0.5, 0.3, 0.2)


def test_its_last_error_holds_for_the_epochs_that_others_have() -> None:
    runs = [(SHORT, False), (LONG, False)]
    for found in (
        _trajectory(Method("darts", "tuned"), True, runs),
        _trajectory(Method("darts", "tuned"), True, runs[::-1]),
    ):
        assert found is not None
        assert list(found.one_shot.x) == [1, 2, 3, 4]
        assert np.allclose(found.one_shot.median, [0.7, 0.45, 0.35, 0.3])
        assert np.allclose(found.test.median, np.array([0.7, 0.45, 0.35, 0.3]) / 4)
        assert found.crashed == 0


def test_an_ablation_counts_it_as_finished_and_a_crash_as_the_worst() -> None:
    crash = search(0.9)
    found = _setting("as set", 4, {0: (SHORT, False), 1: (LONG, False), 2: (crash, True)})
    assert found.final_test_errors == {0: 0.1, 1: 0.05, 2: np.inf}
    assert found.crashed == 1
