"""The command `forecast`, and the forecast that a study keeps."""

import json
from pathlib import Path
from typing import Any

import pytest
from support.study_commands import called, refused

from oneshot_hpo.experiments.grids.costs import cost
from oneshot_hpo.experiments.grids.grid import load_grid

SMALL = ("--set", "iterations=2", "--simulations", 20)


def found(*arguments: object) -> dict[str, Any]:
    ended = called("forecast", *arguments, "--json")
    assert ended.returncode == 0, ended.stderr
    document: dict[str, Any] = json.loads(ended.stdout)
    return document


def test_json_has_intervals_shares_and_alternatives() -> None:
    one = found("quickstart", *SMALL, "--epoch-seconds", 2, "--workers", 3)
    for name in ("wall_seconds", "gpu_hours", "held_hours"):
        assert 0 < one[name]["low"] < one[name]["median"] < one[name]["high"]
    assert one["simulations"] == 20 and one["workers"] == 3
    assert 0 < one["idle_share"] < 1
    moments = one["progress"]
    assert moments[-1]["evaluations"]["low"] == one["evaluations"]
    assert moments[-1]["brackets"]["median"] == 2
    assert one["wall_by_workers"]["1"] > one["wall_by_workers"]["2"]
    assert one["enough_workers"] in map(int, one["wall_by_workers"])
    assert one == found("quickstart", *SMALL, "--epoch-seconds", 2, "--workers", 3)


@pytest.mark.slow
def test_the_forecast_of_a_study_says_where_it_comes_from(tmp_path: Path) -> None:
    ended = called("forecast", "quickstart", *SMALL, "--epoch-seconds", 2, "--out", tmp_path / "f")
    assert ended.returncode == 0, ended.stderr
    assert "at 2 s an epoch, as given" in ended.stdout
    assert "a preemption costs" in ended.stdout
    assert (tmp_path / "f.pdf").exists() and (tmp_path / "f.png").exists()


@pytest.mark.slow
def test_a_forecast_ends_where_a_stop_rule_does_and_names_those_it_cannot_know() -> None:
    arguments = ("quickstart", *SMALL, "--epoch-seconds", 20, "--workers", 2)
    whole = found(*arguments)
    few = found(*arguments, "--set", "stop.evaluations=5")
    assert (whole["evaluations"], whole["planned_evaluations"]) == (12, 12)
    assert (few["evaluations"], few["planned_evaluations"]) == (5, 12)
    assert few["stopped_by"] == {"evaluations": 1.0} and not whole["stopped_by"]
    assert few["wall_seconds"]["high"] < whole["wall_seconds"]["low"]

    hours = whole["wall_seconds"]["median"] / 2 / 3600
    rules = ("--set", f"stop.wall_hours={hours}", "--set", "stop.target_error=0.1")
    timed = found(*arguments, *rules)
    assert timed["wall_seconds"]["low"] >= 3600 * hours
    assert timed["wall_by_workers"] == whole["wall_by_workers"]  # a day is as long for all
    ended = called("forecast", *arguments, *rules)
    assert "stop.wall_hours ends it in 100 % of the simulations" in ended.stdout
    assert "stop.target_error cannot be forecast" in ended.stdout


SLURM = ("--set", "cluster.slurm.gres=null", "--set", "cluster.slurm.time='1:00:00'")


@pytest.mark.slow
def test_queues_and_time_limits_of_slurm_cost_time() -> None:
    arguments = ("quickstart", *SMALL, "--epoch-seconds", 600, "--workers", 2)
    here = found(*arguments, "--queue-waits", 0)
    queued = found(*arguments, *SLURM, "--queue-waits", "600,1200")
    assert here["time_limit_hours"] is None and not here["waste_by_limit"]
    assert queued["wall_seconds"]["median"] > here["wall_seconds"]["median"] + 600
    assert queued["time_limit_hours"] in map(float, queued["waste_by_limit"])
    assert 600 < queued["preemption"]["waiting_seconds"] < 1200
    losing = found(*arguments, "--losses", 1.0)
    assert losing["gpu_hours"]["median"] > here["gpu_hours"]["median"]


@pytest.mark.slow
def test_a_grid_is_forecast_study_by_study() -> None:
    only = ("--only", "space=1", "--only", "searcher=darts")
    one = found("paper", *only, "--epoch-seconds", 36, "--workers", 16, "--simulations", 20)
    grid = load_grid("paper")
    assert grid is not None
    members = grid.chosen(["space=1", "searcher=darts"])
    assert list(one["studies"]) == [member.name for member in members]
    epochs = sum(cost(member.spec).epochs for member in members)
    assert one["gpu_hours"]["median"] == pytest.approx(epochs * 36 / 3600, rel=0.02)
    walls = [study["wall_seconds"]["median"] for study in one["studies"].values()]
    assert one["wall_seconds"]["median"] == pytest.approx(sum(walls))
    picks = {name: study["first_model_pick"] for name, study in one["studies"].items()}
    assert len(set(picks.values())) > 1  # spaces of other dimensions, other seeds
    assert one["simulations"] == 20 and 0 < one["idle_share"] < 1


def test_a_confirmation_counts_in_the_grid() -> None:
    words = ("comparison", "--only", "space=1", "--only", "searcher=darts", "--epoch-seconds", 10)
    one = found(*words, "--workers", 1, "--simulations", 20)
    grid = load_grid("comparison")
    assert grid is not None
    members = grid.chosen(["space=1", "searcher=darts"])
    epochs = sum(cost(member.spec, grid.confirm).epochs for member in members)
    assert one["gpu_hours"]["median"] == pytest.approx(epochs / 360, rel=0.05)
    assert one["first_model_pick"] is None


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("quickstart", "--epoch-seconds", 0), "more than 0 seconds"),
        (("quickstart", "--epoch-seconds", 1, "--queue-waits", "60,x"), "seconds with commas"),
        (("quickstart", "--epoch-seconds", 1, "--only", "x"), "--only is for a grid"),
        (("paper", "--epoch-seconds", 1, "--out", "f"), "a single study"),
        (("quickstart", "--from", "nowhere"), "no such folder"),
        (("quickstart", "--epoch-seconds", 1, "--launch-from", "nowhere"), "no such folder"),
        (("quickstart", "--epoch-seconds", 1, "--as-prior"), "what --launch-from names"),
        (("paper", "--epoch-seconds", 1, "--launch-from", "x"), "paper is a grid"),
        (("quickstart", *SLURM, "--epoch-seconds", 1), "how many jobs"),
    ],
)
def test_bad_input_is_refused(arguments: tuple[object, ...], words: str) -> None:
    assert words in refused("forecast", *arguments)
