"""Regret curves against other ways to the same numbers."""

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra baselines")

from support.made_study import SECONDS, confirm, run_study
from support.plans import plan, write_baselines
from support.timeless_table import write_timeless_digits

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.regret import Axis, Error, RegretCurves, regret_curves
from oneshot_hpo.experiments.numbers.sources import Sources, read_figure_sources
from oneshot_hpo.experiments.numbers.study_runs import clock_seconds
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.search_spaces import get_space, load_table


def curves_of(sources: Sources, axis: Axis, error: Error = "test") -> RegretCurves:
    return regret_curves(sources, 1, axis, error)


def of_studies(*folders: Path) -> Sources:
    return read_figure_sources([str(folder) for folder in folders])


def journal(study: OpenedStudy) -> list[dict]:
    """The events by another way than StudyView."""
    lines = (study.folder / "journal.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("error", ["valid", "test"])
def test_a_study_has_its_incumbents_regret_after_each_evaluation(
    study: OpenedStudy, error: Error
) -> None:
    spent, seconds, best = 0.0, 0.0, (0.0, np.inf, np.nan)
    expected = []
    for event in journal(study):
        if event["event"] != "tell":
            continue
        spent += event["budget"] / 12
        seconds += event["timestamps"]["search_seconds"]
        loss, budget = event["loss"], event["budget"]
        if loss is not None and (budget > best[0] or (budget == best[0] and loss < best[1])):
            best = (budget, loss, event["info"][f"{error}_regret"])
        if best[0]:
            expected.append((spent, seconds, best[2]))
    x, real, y = np.array(expected).T
    by_evaluations = curves_of(of_studies(study.folder), "evaluations", error).curves[0]
    assert by_evaluations.label == "BOHB on darts in cs2 (n = 1)"
    np.testing.assert_allclose(by_evaluations.spread.x, x)
    np.testing.assert_array_equal(by_evaluations.spread.median, y)
    by_time = curves_of(of_studies(study.folder), "real", error).curves[0]
    np.testing.assert_allclose(by_time.spread.x, real)
    np.testing.assert_array_equal(by_time.spread.high, y)


def test_single_searches_end_where_their_confirmation_says(study: OpenedStudy) -> None:
    panel = curves_of(of_studies(study.folder), "evaluations")
    _, tuned, default = panel.curves
    assert tuned.label == "darts tuned in cs2 (n = 6, 1 crashed)"
    assert default.label == "darts default (n = 6, 1 crashed)"
    spent = sum(trial.budget for trial, _ in study.view.evaluations) / 12
    assert (tuned.spread.x, default.spread.x) == (pytest.approx([spent + 1]), [1])
    assert study.confirmation is not None
    told = study.confirmation.results_of("default").values()
    regrets = sorted(r.info.get("test_regret", np.inf) for _, r in told)
    assert regrets[-1] == np.inf
    assert default.spread.median[0] == pytest.approx((regrets[2] + regrets[3]) / 2)
    assert default.spread.high[0] == pytest.approx(0.25 * regrets[3] + 0.75 * regrets[4])


def test_over_time_a_search_is_at_the_cell_that_it_would_end_with(study: OpenedStudy) -> None:
    panel = curves_of(of_studies(study.folder), "real")
    default = panel.curves[2].spread
    np.testing.assert_allclose(default.x, SECONDS * np.arange(1, 13))
    table, space = load_table("digits"), get_space(1)
    first = []
    for number in range(6):
        path = study.folder / "confirm" / "trials" / "default" / str(number) / "metrics.jsonl"
        record = json.loads(path.read_text().splitlines()[0])
        cell = space.cell(space.from_document(record["architecture"]))
        entry = table.query(cell)
        regret = entry.test_error - table.best(space).test_error
        first.append(np.inf if number == 2 else regret)
    assert default.median[0] == pytest.approx(np.mean(sorted(first)[2:4]))


def trained(event: dict) -> float:
    """Seconds in the table of training the cell that a search found, from the table itself."""
    space, table = get_space(1), load_table("digits")
    cell = space.from_document(event["info"]["architecture"])
    return float(np.mean(table.seconds(table.row_of(space, cell))))


@pytest.mark.slow
def test_the_clock_of_all_methods_has_searches_and_the_training_of_their_cells(
    study: OpenedStudy,
) -> None:
    told = [event for event in journal(study) if event["event"] == "tell"]
    crashed = [event for event in told if event["loss"] is None]
    assert crashed
    spent = sum(event["timestamps"]["search_seconds"] for event in told)
    spent += sum(trained(event) for event in told if event["loss"] is not None)

    bohb, tuned, default = curves_of(of_studies(study.folder), "seconds").curves
    assert bohb.spread.x[-1] == pytest.approx(spent)
    by_evaluations = curves_of(of_studies(study.folder), "evaluations").curves
    np.testing.assert_array_equal(bohb.spread.median, by_evaluations[0].spread.median)

    path = study.folder / "confirm" / "confirmation.jsonl"
    runs = [json.loads(line) for line in path.read_text().splitlines()]
    runs = [run for run in runs if run["event"] == "tell" and run["setting"] == "default"]
    own = [
        run["timestamps"]["search_seconds"] + (0 if run["loss"] is None else trained(run))
        for run in runs
    ]
    assert len(own) == 6
    assert default.spread.x == pytest.approx([np.mean(own)])
    assert default.spread.median == by_evaluations[2].spread.median
    assert tuned.spread.x[0] > spent


def test_the_clock_counts_nothing_that_a_machine_did_beside_a_search(study: OpenedStudy) -> None:
    result = next(result for _, result in study.view.evaluations if not result.crashed)
    seconds = result.timestamps["search_seconds"]
    spent = clock_seconds(study, result)
    assert spent is not None

    times = result.timestamps | {"processor_seconds": seconds / 4}
    loaded = replace(result, timestamps=times)
    assert clock_seconds(study, loaded) == pytest.approx(spent - 3 * seconds / 4)
    times = result.timestamps | {"processor_seconds": seconds * 4}  # of several threads
    assert clock_seconds(study, replace(result, timestamps=times)) == spent


def test_without_training_times_there_is_no_such_clock(tmp_path: Path) -> None:
    table = write_timeless_digits(tmp_path / "timeless.npz")
    made = run_study(tmp_path / "one", "seed=2", f"table={table}", evaluations=5)
    with pytest.raises(NotEnoughData, match="the table has no training time of a cell"):
        curves_of(of_studies(made), "seconds")


@pytest.mark.slow
def test_studies_that_differ_in_their_seed_are_repetitions(
    study: OpenedStudy, tmp_path: Path
) -> None:
    other = run_study(tmp_path / "other", "seed=7", workers=3)
    first = curves_of(of_studies(study.folder, other), "evaluations").curves[0]
    assert first.label == "BOHB on darts in cs2 (n = 2)"
    alone = [
        curves_of(of_studies(folder), "evaluations").curves[0].spread.median[-1]
        for folder in (study.folder, other)
    ]
    assert first.spread.median[-1] == pytest.approx(np.mean(alone))


@pytest.mark.slow
def test_equal_default_searches_of_two_studies_count_once(
    study: OpenedStudy, tmp_path: Path
) -> None:
    other = run_study(tmp_path / "other", "seed=2", "config_space=cs1", workers=3)
    confirm(other, 8)
    labels = [c.label for c in curves_of(of_studies(study.folder, other), "evaluations").curves]
    # Both studies have seed 2: 6 of the 8 are the searches of the first study.
    assert "darts default (n = 8, 1 crashed)" in labels
    assert "darts tuned in cs1 (n = 8)" in labels


def test_other_budgets_are_other_methods(study: OpenedStudy, tmp_path: Path) -> None:
    other = run_study(tmp_path / "other", "max_budget=6", workers=3, evaluations=5)
    labels = [c.label for c in curves_of(of_studies(study.folder, other), "evaluations").curves]
    assert labels[:2] == [
        "BOHB on darts in cs2, 12 epochs (n = 1)",
        "BOHB on darts in cs2, 6 epochs (n = 1)",
    ]


@pytest.mark.parametrize("axis", ["evaluations", "simulated", "seconds"])
def test_baselines_have_the_incumbents_of_their_file(baselines_file: Path, axis: Axis) -> None:
    panel = curves_of(read_figure_sources([str(baselines_file)]), axis)
    assert [curve.label for curve in panel.curves] == [
        f"{method} (n = 6)" for method in ("bohb", "hyperband", "rs")
    ]
    rows = pq.read_table(baselines_file).to_pylist()
    best = load_table("digits").best(get_space(1)).test_error
    column = "evaluations_spent" if axis == "evaluations" else "simulated_seconds"
    for curve in panel.curves:
        runs: list[list[tuple[float, float]]] = [[] for _ in range(6)]
        for row in rows:
            if row["method"] == curve.method.name:
                runs[row["repetition"]].append((row[column], row["incumbent_test_error"] - best))
        assert curve.spread.x[0] == pytest.approx(max(run[0][0] for run in runs))
        assert curve.spread.x[-1] == pytest.approx(min(run[-1][0] for run in runs))
        for x, median in zip(curve.spread.x, curve.spread.median, strict=True):
            regrets = [at(run, x) for run in runs]
            assert median == pytest.approx(np.median(regrets), abs=1e-12)


def at(run: Sequence[tuple[float, float]], x: float) -> float:
    """The last regret by then."""
    return [regret for place, regret in run if place <= x + 1e-9][-1]


def test_a_drawn_repeat_never_makes_a_negative_regret(baselines_file: Path) -> None:
    told = pq.read_table(baselines_file)["incumbent_valid_error"].to_numpy()
    best = load_table("digits").best(get_space(1)).valid_error
    panel = curves_of(read_figure_sources([str(baselines_file)]), "evaluations", "valid")
    assert min(told) - best < min(curve.spread.low.min() for curve in panel.curves)
    assert min(curve.spread.low.min() for curve in panel.curves) >= 0


def test_a_regret_of_zero_has_a_place_below_all_others(tmp_path: Path) -> None:
    file = write_baselines(tmp_path, plan(methods="re", evaluations=3000, objective="mean"))
    panel = curves_of(read_figure_sources([str(file)]), "evaluations", "valid")
    spread = panel.curves[0].spread
    assert panel.reaches_zero
    values = np.concatenate([spread.low, spread.median, spread.high])
    assert panel.floor == pytest.approx(values[values > 1e-12].min() / 2)


def test_simulated_time_is_that_of_baselines(study: OpenedStudy) -> None:
    with pytest.raises(NotEnoughData, match="only baselines have simulated time"):
        curves_of(of_studies(study.folder), "simulated")
