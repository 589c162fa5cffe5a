"""What is asked of the table, repetition by repetition."""

import dataclasses

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra baselines")

from support.plans import plan

from oneshot_hpo.experiments.baselines.plan import Block
from oneshot_hpo.experiments.baselines.search import TableObjective, search
from oneshot_hpo.search_spaces import get_space, load_table


@pytest.fixture(scope="module")
def objective() -> TableObjective:
    return TableObjective.of_table("digits", 1)


@pytest.mark.parametrize("method", ["rs", "hyperband", "bohb"])
@pytest.mark.parametrize("drawn", ["mean", "draw"])
def test_repetitions_do_not_depend_on_how_they_are_cut_into_blocks(
    objective: TableObjective, method: str, drawn: str
) -> None:
    chosen = plan(objective=drawn)
    whole = search(chosen, Block(method, 1, 0, 6), objective)
    for first, count in ((0, 1), (2, 3), (5, 1)):
        part = search(chosen, Block(method, 1, first, count), objective)
        for name in ("configurations", "losses", "seconds"):
            np.testing.assert_array_equal(
                getattr(part, name), getattr(whole, name)[first : first + count]
            )
    other = search(dataclasses.replace(chosen, seed=1), Block(method, 1, 0, 6), objective)
    assert (other.configurations != whole.configurations).any()


def test_draws_are_the_repeats_of_the_table(objective: TableObjective) -> None:
    trace = search(plan(evaluations=300), Block("rs", 1, 0, 6), objective)
    table = load_table("digits")
    repeats = table.valid_errors(table.entries(get_space(1)), 4)[trace.cells]
    found = repeats == trace.losses[..., None]
    assert found.any(axis=-1).all()
    unique = found.sum(axis=-1) == 1  # repeats that tie do not say which was drawn
    shares = found[unique].mean(axis=0)
    np.testing.assert_allclose(shares, 1 / 3, atol=0.05)
    seconds = table.seconds(table.entries(get_space(1)), 4)[trace.cells]
    np.testing.assert_array_equal(seconds[found & unique[..., None]], trace.seconds[unique])


def test_the_budget_is_spent_and_not_more(objective: TableObjective) -> None:
    for method in ("rs", "hyperband"):
        trace = search(plan(), Block(method, 1, 0, 1), objective)
        assert 36 < trace.budgets.sum() <= 40
