"""Scores without training: read from a table or a file, known to methods, and their worth."""

import dataclasses
import io
import json
import os
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="needs the extra baselines")

from rich.console import Console
from scipy import stats
from support.plans import plan, write_baselines

from oneshot_hpo.experiments.baselines.equal_cost import best_of_random, trainings_worth_of_scores
from oneshot_hpo.experiments.baselines.features import features
from oneshot_hpo.experiments.baselines.plan import Block
from oneshot_hpo.experiments.baselines.running import SECONDS
from oneshot_hpo.experiments.baselines.search import TableObjective, search
from oneshot_hpo.experiments.baselines.summary import print_summary
from oneshot_hpo.search_spaces import MissingCell, TableError, get_space, load_table
from oneshot_hpo.search_spaces.nasbench201.csv_file import import_csv
from oneshot_hpo.search_spaces.score_file import Scores, read_scores, write_scores
from oneshot_hpo.search_spaces.table_file import write_table


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores of all cells of the table of digits, in another order: the errors themselves."""
    table = load_table("digits")
    rows = np.random.default_rng(0).permutation(len(table))
    file = tmp_path_factory.mktemp("scores") / "scores.npz"
    columns = {"perfect": -table.mean_errors("test", rows), "row": rows.astype(float)}
    keys = tuple(table.key(int(row)) for row in rows)
    write_scores(Scores(keys, columns, np.full(len(rows), 0.5), {"family": "nasbench101"}), file)
    return file


def test_columns_of_a_file_are_those_of_the_tables_entries(scores: Path) -> None:
    table, space = load_table("digits"), get_space(1)
    known = features("digits", 1, scores)
    rows = table.entries(space)
    np.testing.assert_array_equal(known.scores["row"], rows)
    np.testing.assert_array_equal(known.scores["perfect"], -table.mean_errors("test", rows))
    np.testing.assert_array_equal(known.scores["parameters"], table.parameters_of(rows))
    assert known.seconds == pytest.approx(0.5 * len(rows))
    assert set(features("digits", 1).scores) == {"parameters"}
    read = read_scores(scores)
    assert read.provenance == {"family": "nasbench101"} and set(read.columns) == {"perfect", "row"}


def test_a_file_of_other_architectures_or_of_something_else_is_refused(
    scores: Path, tmp_path: Path
) -> None:
    read = read_scores(scores)
    part = Scores(
        read.keys[1:],
        {name: values[1:] for name, values in read.columns.items()},
        read.seconds[1:],
        {},
    )
    write_scores(part, tmp_path / "part.npz")
    with pytest.raises(MissingCell, match="the scores have no architecture"):
        features("digits", 1, tmp_path / "part.npz")
    write_table(load_table("digits"), tmp_path / "table.npz")
    (tmp_path / "text.npz").write_text("no scores")
    for name in ("table.npz", "text.npz"):
        with pytest.raises(TableError, match="not a file of scores"):
            read_scores(tmp_path / name)
    with pytest.raises(TableError, match="no file of scores"):
        read_scores(tmp_path / "none.npz")


def test_methods_know_the_scores_and_the_plan_says_which(scores: Path) -> None:
    made = plan(
        methods="zero_cost,re",
        overrides=["zero_cost.score=perfect", "zero_cost.pool=100000", "re.warm_start=perfect"],
        objective="mean",
        scores=scores,
    )
    assert set(made.document["scores"]) == {"sha256"} and made.document["methods"]["re"]["pool"]
    assert "scores" not in plan(methods="rs").document
    objective = TableObjective.of_table("digits", 1)
    trace = search(made, Block("zero_cost", 1, 0, 2), objective)
    best = np.sort(objective.test_errors)[:10]
    np.testing.assert_array_equal(objective.test_errors[trace.cells], [best] * 2)
    assert len(set(trace.cells[0].tolist())) == 10
    warm = search(made, Block("re", 1, 0, 2), objective)
    assert (objective.test_errors[warm.cells] <= np.quantile(objective.test_errors, 0.02)).all()


@pytest.mark.parametrize("objective", ["mean", "draw"])
def test_random_search_at_equal_cost_is_what_rs_finds(objective: str) -> None:
    made = plan(methods="rs", evaluations=8, repetitions=400, objective=objective)
    table = TableObjective.of_table("digits", 1)
    traces = [search(made, block, table) for block in made.blocks]
    losses, cells = (
        np.concatenate([getattr(trace, name) for trace in traces]) for name in ("losses", "cells")
    )
    found = table.test_errors[cells[np.arange(400), losses.argmin(1)]]
    low, high = np.quantile(found, (0.45, 0.55))
    random = best_of_random(made, 1)
    assert low <= random.median(8) <= high
    assert 4 <= (random.worth(float(np.median(found))) or 0) <= 16


def test_the_summary_says_what_a_method_and_the_scores_are_worth(
    scores: Path, tmp_path: Path
) -> None:
    made = plan(
        methods="rs,zero_cost",
        overrides=["zero_cost.score=perfect", "zero_cost.pool=100000"],
        objective="mean",
        scores=scores,
    )
    results = write_baselines(tmp_path, made)
    (tmp_path / SECONDS).write_text(json.dumps({f"{name} 1": 1.0 for name in made.methods}))
    said = io.StringIO()
    print_summary(Console(file=said, width=200), made, results)
    assert "worth: random trainings" in said.getvalue()
    trainings = trainings_worth_of_scores(made, 1)
    assert trainings is not None
    seconds = TableObjective.of_table("digits", 1).mean_seconds[4]
    assert trainings == pytest.approx(0.5 * len(seconds) / seconds.mean())
    assert f"scoring space 1 took as long as {trainings:,.1f} trainings" in said.getvalue()
    without = dataclasses.replace(made, scores=None)
    assert trainings_worth_of_scores(without, 1) is None


@pytest.mark.slow
def test_published_scores_of_nasbench201_guide_a_search(tmp_path: Path) -> None:
    source = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", "")) / "nasbench201/nasbench201.csv.gz"
    if not source.exists():
        pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with nasbench201/nasbench201.csv.gz")
    file = tmp_path / "nasbench201.npz"
    write_table(import_csv(source, lambda done, size: None), file)
    known = features(str(file), "nasbench201")
    assert {"synflow", "parameters"} <= set(known.scores)
    made = plan(
        table=str(file),
        spaces=["nasbench201"],
        methods="rs,ls,zero_cost",
        overrides=["zero_cost.score=synflow"],
        objective="mean",
        repetitions=40,
    )
    objective = TableObjective.of_table(str(file), "nasbench201")
    found = {
        method: objective.test_errors[
            search(made, Block(method, "nasbench201", 0, 40), objective).cells
        ].min(axis=1)
        for method in made.methods
    }
    less = stats.mannwhitneyu(found["zero_cost"], found["rs"], alternative="less")
    assert less.pvalue < 0.01, {name: np.median(values) for name, values in found.items()}
