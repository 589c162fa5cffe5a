"""A table as a problem: nearest rows, losses, costs and regrets."""

import numpy as np
import pytest
from ConfigSpace import Categorical, ConfigurationSpace, Float

from oneshot_hpo.experiments.benchmarks.optimizers.problem import NearestRow, Problem
from oneshot_hpo.hpo.bohb.encoding import Encoding

ROWS = [
    {"rate": 1e-3, "kind": "a"},
    {"rate": 1e-1, "kind": "a"},
    {"rate": 1e-3, "kind": "b"},
    {"rate": 1e-2, "kind": "b"},
]


def made() -> Problem:
    space = ConfigurationSpace()
    space.add(Float("rate", (1e-4, 1.0), log=True), Categorical("kind", ["a", "b"]))
    losses = np.full((4, 2, 3), np.nan)
    losses[:, 0, 0] = [0.5, 0.6, 0.7, 0.8]
    losses[:, 1] = [[0.1, 0.2, 0.3], [0.4, np.nan, np.nan], [0.3, 0.3, 0.3], [np.inf] * 3]
    return Problem(
        name="made",
        space=space,
        fidelities=(12, 200),
        eta=16,
        find_row=NearestRow(Encoding(space), ROWS),
        losses=losses,
        costs=np.array([[1.0, 10.0], [1.0, 10.0], [2.0, 20.0], [2.0, 20.0]]),
    )


def test_a_proposal_is_its_nearest_row_in_the_unit_cube() -> None:
    problem = made()
    for number, row in enumerate(ROWS):
        assert problem.find_row(row) == number
    # logarithmic: 0.02 is nearer to 0.1 than to 0.001; another category is further than any number
    assert problem.find_row({"rate": 0.02, "kind": "a"}) == 1
    assert problem.find_row({"rate": 1.0, "kind": "b"}) == 3
    with pytest.raises(ValueError, match="rate"):
        problem.find_row({"rate": 2.0, "kind": "a"})


def test_budgets_of_successive_halving_are_the_fidelities() -> None:
    problem = made()
    assert problem.budgets == (12.5, 200)
    assert [problem.fidelity(budget) for budget in (*problem.budgets, 12, 60, 1)] == [0, 1, 0, 1, 0]
    assert problem.full_cost == 15


def test_a_loss_is_that_of_one_of_the_runs() -> None:
    problem = made()
    drawn = [problem.loss(0, 1, (seed, 0)) for seed in range(40)]
    assert set(drawn) == {0.1, 0.2, 0.3}
    assert drawn == [problem.loss(0, 1, (seed, 0)) for seed in range(40)]
    assert {problem.loss(1, 1, (seed, 0)) for seed in range(5)} == {0.4}
    assert problem.loss(3, 1, (0, 0)) == np.inf


def test_a_regret_is_measured_by_the_median_row() -> None:
    problem = made()
    # true losses .2, .4, .3, inf; their median is .35
    assert [round(problem.regret(row), 6) for row in range(4)] == [0, 1.333333, 0.666667, 1.333333]


def test_random_configurations_fill_the_space() -> None:
    problem, rng = made(), np.random.default_rng(0)
    drawn = [problem.random_configuration(rng) for _ in range(1000)]
    assert {config["kind"] for config in drawn} == {"a", "b"}
    below = np.mean([config["rate"] < 1e-2 for config in drawn])
    assert 0.45 < below < 0.55
