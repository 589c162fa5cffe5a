"""`launch --from`: what a user reads, and what is refused before anything is written."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.study_commands import called, events, refused, run

from oneshot_hpo.hpo import read_study

SPACE = "{base: cs2, add: {momentum: {lower: 0.5, upper: 0.99}}, learning_rate: {upper: 0.3}}"


@pytest.mark.slow
def test_a_study_is_launched_from_another_one(
    quickstart: Path, new_file: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = tmp_path / "new"
    settings = ["iterations=1", "max_budget=3", "bohb.random_fraction=0", "search.channels=2"]
    options = [word for setting in settings for word in ("--set", setting)]
    ended = run("launch", new_file(SPACE), "--dir", folder, "--from", quickstart, *options)
    assert ended.returncode == 0, ended.stderr

    prior = read_study(folder).prior
    taken, added, differs, *rest = ended.stdout.splitlines()
    assert re.fullmatch(
        rf"{quickstart}: {len(prior)} of 43 results taken over, left out \d+ at more than "
        rf"max_budget 3, \d+ with learning_rate outside \[0\.001, 0\.3\] \(epochs: {len(prior)} "
        r"at 3(; \d+ crashed)?\)",
        taken,
    )
    assert added == "  added, with its setting there: momentum 0.9"
    assert differs == "  different there: channels 8, here 2"
    assert not [line for line in rest if line.startswith("note: ")]

    view = read_study(folder)
    started = sorted((trial for trial, _ in view.evaluations), key=lambda trial: trial.seq)
    picks = [view.record(trial).info["model_based_pick"] for trial in started]
    assert picks == [False, True], "the default, then what the model proposes"
    (source,) = events(folder)[0]["study"]["sources"]
    assert (source["taken"], source["folder"]) == (len(prior), str(quickstart))


@pytest.mark.slow
def test_a_forecast_knows_what_the_study_begins_with(quickstart: Path) -> None:
    options = ("--set", "bohb.random_fraction=0", "--epoch-seconds", 2, "--simulations", 20)
    ended = called("forecast", "quickstart", *options, "--launch-from", quickstart, "--json")
    assert ended.returncode == 0, ended.stderr
    assert f"{quickstart}: 43 of 43 results taken over" in ended.stderr
    assert json.loads(ended.stdout)["first_model_pick"] == 2, "the default is first"
    cold = called("forecast", "quickstart", *options, "--json")
    assert json.loads(cold.stdout)["first_model_pick"] > 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--as-prior"], "are about the studies that --from names"),
        (["--skip-bad"], "are about the studies that --from names"),
        (["--from", "nowhere"], "nowhere: no such folder"),
        (["--from", "QUICKSTART", "--dry-run"], "--dry-run prints a script"),
        (["--from", "QUICKSTART", "--from", "QUICKSTART"], "name one of them"),
        (["--from", "QUICKSTART", "--set", "objective=draw"], "--as-prior takes their order alone"),
        (
            ["--from", "QUICKSTART", "--set", "config_space={momentum: {lower: 0, upper: 0.9}}"],
            "have no hyperparameter in common",
        ),
    ],
)
def test_what_cannot_be_done_is_refused_and_leaves_nothing(
    quickstart: Path, tmp_path: Path, options: list[str], words: str
) -> None:
    given = [str(quickstart) if option == "QUICKSTART" else option for option in options]
    assert words in refused("launch", "quickstart", "--dir", tmp_path / "new", *given)
    assert not (tmp_path / "new").exists()


def test_a_study_is_not_launched_into_its_source(quickstart: Path) -> None:
    ended = refused("launch", "quickstart", "--dir", quickstart, "--from", quickstart)
    assert "already holds a study" in ended


def test_a_grid_takes_no_sources(quickstart: Path) -> None:
    assert "--from is for a single study; paper is a grid" in refused(
        "launch", "paper", "--from", quickstart
    )


def test_import_is_kept_and_no_longer_listed() -> None:
    listed = called("--help").stdout
    assert "launch" in listed
    assert not re.search(r"^\W*import\b", listed, re.MULTILINE)
    assert called("import", "--help").returncode == 0
