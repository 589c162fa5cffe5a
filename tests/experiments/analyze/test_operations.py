"""The analysis of operations on cells whose errors are a known function of their operations."""

import csv
import re
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("matplotlib", reason="needs the extra figures")

from scipy import stats
from support.study_commands import run

from oneshot_hpo.experiments.analyze.operations.enrichment import by_combination, by_operation
from oneshot_hpo.experiments.analyze.operations.findings import analyse, findings
from oneshot_hpo.experiments.analyze.operations.making import analyse_operations
from oneshot_hpo.experiments.analyze.operations.population import (
    GraphPopulation,
    Population,
    of_space,
    of_table,
)
from oneshot_hpo.experiments.analyze.operations.replacements import replacements
from oneshot_hpo.experiments.analyze.operations.skew import shape
from oneshot_hpo.experiments.analyze.operations.subsets import smallest_close, subsets
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.nasbench101.cell import CONV1X1, CONV3X3, MAXPOOL3X3, OPERATIONS
from oneshot_hpo.search_spaces.nasbench101.graphs import pack
from oneshot_hpo.search_spaces.registry import known_spaces

EFFECTS = np.array([-0.03, 0.01, 0.02])
"""On the error, of one more conv 3×3, conv 1×1, max pool."""


def planted(effects: np.ndarray = EFFECTS, noise: float = 0.001) -> Population:
    """Space 1; a cell's error is 0.5 and the effects of its operations; three noisy repeats."""
    cells = get_space(1).cells
    counts = np.array([[cell.operations.count(name) for name in OPERATIONS] for cell in cells])
    errors = 0.5 + counts @ effects
    repeats = errors[:, None] + noise * np.array([-1, 0, 1])
    return population_of(np.array([pack(cell) for cell in cells], np.uint32), repeats)


def population_of(graphs: np.ndarray, repeats: np.ndarray) -> Population:
    name = "cells of space 1"
    return GraphPopulation(
        table="planted",
        key="space1",
        name=name,
        operations=OPERATIONS,
        graphs=graphs,
        repeats=repeats,
        errors=repeats.mean(1),
    )


def test_operations_are_counted_as_the_cells_have_them() -> None:
    table = load_table("digits")
    population = of_space(table, 1)
    for number, cell in enumerate(get_space(1).cells[::50]):
        wanted = [cell.operations.count(name) for name in OPERATIONS]
        assert population.counts[50 * number].tolist() == wanted
        assert population.errors[50 * number] == table.query(cell).test_error
    whole = of_table(table)
    assert sorted(whole.errors.tolist()) == pytest.approx(sorted(population.errors.tolist()))


def test_replacements_find_the_planted_effects() -> None:
    population = planted()
    found = {(pair.better, pair.worse): pair for pair in replacements(population)}
    wanted = {
        (CONV3X3, CONV1X1): 0.04,
        (CONV3X3, MAXPOOL3X3): 0.05,
        (CONV1X1, MAXPOOL3X3): 0.01,
    }
    assert found.keys() == wanted.keys()
    for pair, gain in wanted.items():
        assert found[pair].gains == pytest.approx(gain)  # each single pair of cells
        assert found[pair].wins == 1
        # Every cell of space 1 has its partner in space 1.
        code = OPERATIONS.index(pair[0])
        assert len(found[pair].gains) == population.counts[:, code].sum()


def test_the_best_are_enriched_by_what_makes_them_good() -> None:
    population = planted()
    best = population.best(0.05)
    assert best.sum() == 134
    for code, name in enumerate(OPERATIONS):
        lifts = [one.lift for one in by_operation(population, best) if one.counts[code] is not None]
        rising = [after >= before for before, after in pairwise(lifts)]
        assert all(rising) if name == CONV3X3 else lifts[-1] < 1
    combinations = by_combination(population, best)
    assert sum(one.cells for one in combinations) == len(population)
    assert sum(one.share_of_best for one in combinations) == pytest.approx(1)
    four = next(one for one in combinations if one.counts == (4, 0, 0))
    assert four.lift == pytest.approx(1 / 0.05, rel=0.01)  # all of them are among the best
    assert four.lowest_error == pytest.approx(0.38)


def test_subsets_and_how_close_they_come() -> None:
    found = {one.operations: one for one in subsets(planted())}
    assert len(found) == 7
    assert found[(CONV3X3,)].regret == pytest.approx(0)
    assert found[(CONV1X1,)].regret == pytest.approx(0.13)  # one of them is the least that can be
    assert found[(MAXPOOL3X3,)].lowest_error == pytest.approx(0.52)
    assert found[(CONV1X1, MAXPOOL3X3)].close is False
    assert found[OPERATIONS].regret == 0
    smallest = smallest_close(list(found.values()))
    assert smallest is not None
    assert smallest.operations == (CONV3X3,)


def test_skewness_and_its_interval_are_those_of_scipy() -> None:
    rng = np.random.default_rng(2)
    sample = np.round(1 - rng.gamma(2, 0.1, 700), 2)  # with ties
    found = shape(sample, np.random.default_rng(0))
    assert found.skewness.value == pytest.approx(stats.skew(sample))
    low, middle, high = np.quantile(sample, (0.25, 0.5, 0.75), method="inverted_cdf")
    assert found.quartile_skewness.value == pytest.approx((low + high - 2 * middle) / (high - low))
    wanted = stats.bootstrap(
        (sample,), stats.skew, n_resamples=999, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert found.skewness.low == pytest.approx(wanted.low, abs=0.08)
    assert found.skewness.high == pytest.approx(wanted.high, abs=0.08)
    assert found.upper_half == ((sample > (sample.min() + sample.max()) / 2).mean())


@pytest.mark.slow
def test_findings_can_be_confirmed_and_contradicted() -> None:
    """Each verdict follows from what was planted."""

    def verdicts(population: Population) -> list[str]:
        return [one.verdict for one in findings(analyse(population, 0.05, 0))]

    assert verdicts(planted())[0] == "confirmed in part"  # the best have no conv 1×1
    assert verdicts(planted(np.array([-0.03, -0.03, 0.02])))[0] == "confirmed"
    assert verdicts(planted(np.array([0.03, 0.02, -0.04])))[0] == "contradicted"
    # All three are needed: the more kinds, the better.
    population = planted(np.zeros(3))
    kinds = (population.counts > 0).sum(1)
    mixed = 0.5 - 0.1 * kinds[:, None] + 0.001 * np.array([-1, 0, 1])
    assert verdicts(population_of(population.graphs, mixed))[2] == "contradicted"
    # Errors with a long tail: bad cells skew accuracies to the left, good ones to the right.
    tail = np.random.default_rng(0).permutation(np.geomspace(0.001, 0.4, len(population)))
    for errors, verdict in ((0.05 + tail, "confirmed"), (0.95 - tail, "contradicted")):
        repeats = errors[:, None] + 0.001 * np.array([-1, 0, 1])
        other = population_of(population.graphs, repeats)
        assert verdicts(other)[3] == verdict
        assert verdicts(other)[1] == "not decided"  # errors know nothing of operations


def test_one_repeat_decides_nothing_about_noise() -> None:
    population = planted()
    single = population_of(population.graphs, population.repeats[:, :1])
    assert [one.close for one in subsets(single)] == [None] * 7
    assert findings(analyse(single, 0.05, 0))[2].verdict == "not decided"


@pytest.mark.slow
def test_the_command_writes_what_it_says(tmp_path: Path) -> None:
    """Each sentence is true to the numbers beside it, and the same numbers come again."""
    folder = tmp_path / "out"
    ended = run("analyze", "operations", "--dir", folder)
    assert ended.returncode == 0, ended.stderr
    assert sorted(path.name for path in folder.iterdir()) == [
        "operations_space1.csv",
        "operations_space1.pdf",
        "operations_space1.png",
        "operations_space1.txt",
    ]
    assert (folder / "operations_space1.txt").read_text() in ended.stdout
    with (folder / "operations_space1.csv").open() as file:
        rows = {
            (r["analysis"], r["item"], r["measure"]): float(r["value"])
            for r in csv.DictReader(file)
        }
    [gain] = re.findall(
        r"conv 3×3 in the place of a max pool lowers the error by ([\d.]+)", ended.stdout
    )
    pair = f"{CONV3X3} for {MAXPOOL3X3}"
    assert gain == f"{100 * rows['replacement', pair, 'mean gain']:.2f}"
    [regret] = re.findall(r"the best cell with conv 3×3 alone is ([\d.]+) points", ended.stdout)
    assert regret == f"{100 * rows['subset', CONV3X3, 'regret']:.2f}"
    [skewness] = re.findall(r"skewness (-[\d.]+) \(", ended.stdout)
    assert skewness == f"{rows['accuracies', 'skewness', 'value']:.2f}"
    accuracies = 1 - of_space(load_table("digits"), 1).errors
    assert float(skewness) == pytest.approx(stats.skew(accuracies), abs=0.005)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"spaces": "5"}, f"--space: there are search spaces {known_spaces()}, not 5"),
        ({"spaces": "1,3"}, "space 3: the table of digits lacks"),
        (
            {"spaces": "1,x"},
            f"--space: there are search spaces {known_spaces()}, not 'x'",
        ),
        ({"top": 0.0}, "--top 0: a share of the cells in percent"),
        ({"table": "none.npz"}, "no table 'none.npz'"),
    ],
)
def test_what_cannot_be_used_is_one_line(
    arguments: dict[str, object], words: str, tmp_path: Path
) -> None:
    from rich.console import Console

    usual = {"spaces": "1", "all_cells": False, "table": "digits", "top": 5.0}
    folder = tmp_path / "out"
    with pytest.raises(ValueError, match=re.escape(words)) as raised:
        analyse_operations(Console(), folder=folder, **(usual | arguments))
    assert "\n" not in str(raised.value)
    assert not folder.exists()


def test_a_folder_that_cannot_be_is_one_line(tmp_path: Path) -> None:
    from rich.console import Console

    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot be used"):
        analyse_operations(
            Console(),
            spaces="1",
            all_cells=False,
            table="digits",
            top=5.0,
            folder=tmp_path / "file" / "out",
        )
