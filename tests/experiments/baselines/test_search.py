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


@pytest.mark.parametrize("method", ["rs", "re", "hyperband"])
def test_seconds_are_a_limit_of_each_repetition(objective: TableObjective, method: str) -> None:
    limit = 25 * float(objective.mean_seconds[4].mean())
    chosen = plan(methods=method, evaluations=None, seconds=limit, objective="mean")
    trace = search(chosen, Block(method, 1, 0, 6), objective)
    spent = np.cumsum(trace.seconds, axis=1)
    np.testing.assert_array_equal(trace.within, spent <= limit)
    assert not trace.within[:, -1].all() and trace.within[:, 0].all()
    counts = trace.within.sum(axis=1)
    assert (spent[np.arange(6), counts - 1] <= limit).all() and np.ptp(counts)

    alone = search(chosen, Block(method, 1, 2, 1), objective)
    count = int(alone.within.sum())
    assert count == counts[2]
    np.testing.assert_array_equal(alone.cells[0, :count], trace.cells[2, :count])


def test_one_budget_of_the_table_is_the_full_one(objective: TableObjective) -> None:
    chosen = plan(methods="rs", budget=2, objective="mean")
    trace = search(chosen, Block("rs", 1, 0, 3), objective)
    assert set(trace.budgets) == {2} and len(trace.budgets) == 10
    np.testing.assert_array_equal(trace.losses, objective.mean_valid_errors[2][trace.cells])


def test_the_budget_is_spent_and_not_more(objective: TableObjective) -> None:
    for method in ("rs", "hyperband"):
        trace = search(plan(), Block(method, 1, 0, 1), objective)
        assert 36 < trace.budgets.sum() <= 40
