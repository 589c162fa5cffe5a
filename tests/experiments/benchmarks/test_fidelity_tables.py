"""Pilots of a table whose agreement is known."""

import numpy as np

from oneshot_hpo.experiments.benchmarks.fidelity_tables import agreements, smallest, trained
from oneshot_hpo.search_spaces import enumerable, get_space, load_table


def test_the_smallest_budget_that_says_something_is_found() -> None:
    rng = np.random.default_rng(0)
    truth = rng.normal(size=400)
    noise = rng.normal(size=(3, 400))
    errors = {
        4: noise[0],
        12: truth + 3 * noise[1],
        36: truth + 0.3 * noise[2],
        108: truth,
        0: truth,
    }
    rungs = agreements(errors, [4, 12, 36, 108], np.arange(400))
    assert [rung.budget for rung in rungs] == [4, 12, 36]
    assert smallest(rungs) == 12
    assert rungs[2].correlation.rho > 0.9
    assert smallest(rungs[:1]) is None


def test_the_two_trainings_of_the_largest_budget_are_different_ones() -> None:
    table = load_table("digits")
    budget = table.budgets[-1]
    found = trained(table, "1", [budget], np.random.default_rng(0))
    repeats = table.errors("valid", table.entries(enumerable(get_space(1))))
    assert (found[0] == repeats[:, -1]).all()
    assert (found[budget][:, None] == repeats[:, :-1]).any(axis=1).all()
    assert (found[0] != found[budget]).any()
