"""Baselines at equal cost, counted again from journals and from the file of results."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pq = pytest.importorskip("pyarrow.parquet", reason="needs the extra baselines")

from support.made_study import SECONDS, confirm, run_study
from support.plans import plan, write_baselines
from support.study_commands import called
from support.timeless_table import write_timeless_digits

from oneshot_hpo.experiments.compare.comparing import Space, compare
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import get_space, load_table

SETTINGS = ("seed=1", "max_budget=4", "min_budget=1", "iterations=2")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A confirmed study of few evaluations."""
    made = run_study(tmp_path_factory.mktemp("studies") / "one", *SETTINGS)
    confirm(made, 6)
    return made


@pytest.fixture(scope="module")
def baselines(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two methods, each with 5 repetitions."""
    made = plan(methods="rs,re", evaluations=120, repetitions=5, objective="mean")
    return write_baselines(tmp_path_factory.mktemp("baselines"), made)


def tells(path: Path) -> list[dict[str, Any]]:
    events = [json.loads(line) for line in path.read_text().splitlines()]
    return [event for event in events if event["event"] == "tell"]


def trained(event: dict[str, Any]) -> float:
    """Seconds in the table of training a found cell; 0 after a crash."""
    if event["loss"] is None:
        return 0.0
    space, table = get_space(1), load_table("digits")
    row = table.row_of(space, space.from_document(event["info"]["architecture"]))
    return float(np.mean(table.seconds(row)))


def searched(event: dict[str, Any]) -> float:
    return float(event["timestamps"]["search_seconds"])


def regrets_by(file: Path, method: str, seconds: float) -> list[float]:
    """The regret of each repetition's best cell by then, from the rows."""
    best = load_table("digits").best(get_space(1)).test_error
    found: dict[int, float] = {}
    for row in pq.read_table(file).to_pylist():
        if row["method"] == method and row["simulated_seconds"] <= seconds:
            found[row["repetition"]] = row["incumbent_test_error"] - best
    return [found[repetition] for repetition in sorted(found)]


def values_of(space: Space, method: str) -> list[float]:
    [sample] = [one for one in space.samples if one.method == method]
    return sample.values.tolist()


def note_of(space: Space) -> str:
    [note] = [note for note in space.notes if "results.parquet" in note]
    return note


@pytest.mark.parametrize("equal", ["seconds", "search-seconds"])
def test_baselines_have_the_seconds_of_the_study(folder: Path, baselines: Path, equal: str) -> None:
    told = tells(folder / "journal.jsonl")
    seconds = sum(map(searched, told))
    if equal == "seconds":
        seconds += sum(map(trained, told))

    [space] = compare(folder, baselines, at_equal=equal)
    for method in ("rs", "re"):
        wanted = regrets_by(baselines, method, seconds)
        assert len(wanted) == 5
        assert values_of(space, method) == pytest.approx(wanted)
    assert f"within {seconds:,.0f} seconds of training" in note_of(space)
    assert ("of training each cell found" in note_of(space)) == (equal == "seconds")


def test_a_setting_costs_one_search_of_its_own(folder: Path, baselines: Path) -> None:
    own = [
        event
        for event in tells(folder / "confirm" / "confirmation.jsonl")
        if event["setting"] == "default"
    ]
    assert [searched(event) for event in own] == [4 * SECONDS] * 6
    seconds = float(np.mean([searched(event) + trained(event) for event in own]))
    [space] = compare(f"{folder}:default", baselines, at_equal="seconds")
    assert values_of(space, "rs") == pytest.approx(regrets_by(baselines, "rs", seconds))


def test_evaluations_are_equal_unless_said_otherwise(folder: Path, baselines: Path) -> None:
    [usual], [same] = compare(folder, baselines), compare(folder, baselines, at_equal="evaluations")
    assert usual.notes == same.notes
    assert f"the best of {len(tells(folder / 'journal.jsonl'))} evaluations" in note_of(usual)


def test_a_file_that_ends_before_is_said(folder: Path, tmp_path: Path) -> None:
    short = write_baselines(tmp_path, plan(methods="rs", evaluations=2, objective="mean"))
    [space] = compare(folder, short, at_equal="seconds")
    assert "(for rs the file has fewer)" in note_of(space)
    assert values_of(space, "rs") == pytest.approx(regrets_by(short, "rs", np.inf))


@pytest.mark.slow
def test_what_is_not_known_is_one_line(folder: Path, baselines: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--at-equal second: did you mean seconds"):
        compare(folder, baselines, at_equal="second")
    ended = called("compare", folder, baselines, "--at-equal", "hours")
    assert ended.returncode == 2
    assert "--at-equal hours: there are evaluations, seconds, search-seconds" in ended.stderr

    table = write_timeless_digits(tmp_path / "timeless.npz")
    timeless = run_study(tmp_path / "timeless", *SETTINGS, f"table={table}")
    confirm(timeless, 2)
    own = write_baselines(tmp_path, plan(methods="rs", table=str(table), objective="mean"))
    with pytest.raises(UserError, match="seconds: the training time of its cells is not known"):
        compare(timeless, own, at_equal="seconds")


def test_the_command_says_what_is_equal(folder: Path, baselines: Path) -> None:
    ended = called("compare", folder, baselines, "--at-equal", "seconds")
    assert ended.returncode == 0, ended.stderr
    words = " ".join(ended.stdout.split())
    assert "seconds of training, as many as" in words
    assert "had of search and of training each cell found" in words
