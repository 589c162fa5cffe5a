"""The problems of the tables that there are, made-up and real."""

import gzip
import os
from pathlib import Path

import numpy as np
import pytest
from support.nasbench201_writer import write_csv
from support.taskset_writer import write_task

from oneshot_hpo.experiments.benchmarks.optimizers.problem import Problem
from oneshot_hpo.experiments.benchmarks.optimizers.problems import (
    FOR_PEERS,
    half,
    has_known_default,
    load_problem,
    problem_names,
)
from oneshot_hpo.experiments.benchmarks.optimizers.searches import (
    EPOCHS,
    Result,
    Search,
    append_search,
    searches_study,
)
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import get_space, load_table

RATES = [1e-5, 1e-3, 1e-1, 9.0]


def test_a_task_of_taskset(tmp_path: Path) -> None:
    write_task(tmp_path, "made", RATES)
    problem = load_problem("taskset:made", tmp_path)
    assert problem.losses.shape == (4, 4, 1) and problem.costs[0].tolist() == [0.04, 0.12, 0.34, 1]
    assert np.isinf(problem.losses).any(1).ravel().tolist() == [False, False, False, True]
    assert problem.losses[3, 1] == pytest.approx(0.7 - 0.6 * 6 / 50 / (3 + np.log10(9)))
    assert problem.find_row(problem.default) == 1 and problem.regret(1) == 0
    assert problem.continues and problem.has_known_default


def test_what_is_no_task_is_refused_on_one_line(tmp_path: Path) -> None:
    path = write_task(tmp_path, "made", RATES)
    path.write_bytes(gzip.compress(b'[{"hp": {}}]'))
    with pytest.raises(UserError, match=r"made\.json\.gz: not a task of TaskSet") as caught:
        load_problem("taskset:made", tmp_path)
    assert "\n" not in str(caught.value)
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(UserError, match="not a task of TaskSet"):
        load_problem("taskset:made", tmp_path)
    with pytest.raises(UserError, match="No such file"):
        load_problem("taskset:other", tmp_path)


def test_the_digits_are_looked_up_cell_by_cell() -> None:
    problem, table, space = load_problem("digits", None), load_table("digits"), get_space(1)
    rng = np.random.default_rng(1)
    for _ in range(5):
        config = problem.random_configuration(rng)
        cell = table.entry(space, space.from_configuration(config))
        row = problem.find_row(config)
        assert row == cell
        expected = table.errors("valid", table.entries(space))[cell]
        assert problem.losses[row, -1].tolist() == expected.tolist()
    assert problem.fidelities == (1, 2, 4) and problem.eta == 2 and not problem.continues
    assert problem.has_known_default == has_known_default(problem.name)


@pytest.mark.slow
def test_nasbench201_has_two_fidelities(tmp_path: Path) -> None:
    (tmp_path / "nasbench201").mkdir()
    write_csv(tmp_path / "nasbench201" / "nasbench201.csv.gz")
    assert "nasbench201:cifar100" in problem_names(tmp_path)
    problem = load_problem("nasbench201:cifar100", tmp_path)
    assert problem.fidelities == (12, 200) and problem.eta == 17
    assert problem.losses.shape == (15_625, 2, 3) and np.isfinite(problem.costs).all()
    # one run of 12 epochs, up to three of 200
    assert (~np.isnan(problem.losses)).sum((0, 2))[0] == 15_625


def test_a_table_of_searches(tmp_path: Path) -> None:
    path, space = tmp_path / "searches.jsonl", searches_study("cs2").configuration_space()
    configs = [dict(space.get_default_configuration()), dict(space.sample_configuration())]
    for number, config in enumerate(configs):
        for epochs in EPOCHS:
            for seed in range(2):
                error = None if (number, epochs, seed) == (1, 50, 1) else 0.1 + number / 10
                result = Result(config, error, error, epochs / 10)
                append_search(path, Search("cs2", number, epochs, seed), result)
    append_search(path, Search("cs2", 2, 12, 0), Result(configs[0], 0.1, 0.1, 1.0))
    path.write_text(path.read_text()[:-3])  # a part

    assert "searches:cs2" in problem_names(None, path)
    problem = load_problem("searches:cs2", None, path)
    assert problem.losses.shape == (2, 3, 2) and problem.costs[0].tolist() == [1.2, 2.5, 5]
    assert problem.losses[1, 2].tolist() == [0.2, np.inf] and problem.find_row(configs[1]) == 1
    with pytest.raises(UserError, match="no configuration of cs3"):
        load_problem("searches:cs3", None, path)


def test_names_are_told_where_none_fits() -> None:
    with pytest.raises(UserError, match=r"no problem 'digit': there are .*digits"):
        load_problem("digit", None)
    assert has_known_default("searches:cs2") and not has_known_default("digits")


def test_halves_are_the_whole() -> None:
    names = ["b:2", "a:1", "b:1", "b:3", "c"]
    assert half(names, 0) == ["a:1", "b:1", "b:3", "c"] and half(names, 1) == ["b:2"]
    assert half(names[1:], 1) == ["b:3"] and half(["a:0", *names], 1) == ["a:1", "b:2"]


@pytest.fixture
def data() -> Path:
    """The folder of real tables; tests that need it are skipped without."""
    folder = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", ""))
    if not (folder / "taskset").is_dir():
        pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with taskset/*.json.gz")
    return folder


def test_all_rows_of_taskset_are_their_own_nearest(data: Path) -> None:
    problem = load_problem(FOR_PEERS[1], data)
    assert len(problem.losses) == 1000
    space = problem.encoding
    vectors = problem.find_row._vectors  # type: ignore[attr-defined]
    assert [problem.find_row(space.decode(vectors[row])) for row in range(50)] == list(range(50))


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in FOR_PEERS if not name.startswith("searches")])
def test_every_real_problem_is_whole(data: Path, name: str) -> None:
    problem: Problem = load_problem(name, data)
    counts = (~np.isnan(problem.losses)).sum(2)
    assert (counts >= 1).all() and np.isfinite(problem.costs).all() and (problem.costs > 0).all()
    regrets = np.array([problem.regret(row) for row in range(len(problem.losses))])
    assert regrets.min() == 0 and np.median(regrets) == pytest.approx(1, abs=1e-6)
