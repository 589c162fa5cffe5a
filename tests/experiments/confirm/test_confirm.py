"""`oneshot-hpo confirm` as a user runs it, and killed as fate kills it."""

import csv
import math
import random
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from support.processes import finish
from support.scripted_study import work
from support.study_commands import events, run, started
from support.waiting import wait_until

from oneshot_hpo.experiments.confirm.confirming import confirm_study
from oneshot_hpo.experiments.errors import UserError, is_user_error
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.hpo import StudyNotFound, Trial, read_confirmation, read_study
from oneshot_hpo.hpo.confirmation_view import EVENTS
from oneshot_hpo.hpo.journal.file import read_journal
from oneshot_hpo.hpo.randomness import confirmation_seed

pytestmark = pytest.mark.slow

SEEDS = 3
RUNS = 2 * SEEDS


def decisions(folder: Path) -> list[dict[str, Any]]:
    """A confirmation's journal without its times; none if it has not begun."""
    try:
        kept, _ = read_journal(folder / "confirm" / "confirmation.jsonl", EVENTS)
    except StudyNotFound:
        return []
    return [{k: v for k, v in e.items() if k not in ("time", "timestamps")} for e in kept]


@pytest.fixture(scope="session")
def confirmed_study(finished_study: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The finished study, confirmed with SEEDS seeds without a disturbance. Not to be changed."""
    folder = tmp_path_factory.mktemp("confirmed") / "study"
    shutil.copytree(finished_study, folder)
    ended = run("confirm", folder, "--seeds", SEEDS)
    assert ended.returncode == 0, ended.stderr
    assert f"{RUNS} of {RUNS}" in ended.stdout or f"[{RUNS}/{RUNS}]" in ended.stdout
    return folder


def test_incumbent_and_default_run_again_with_the_same_fresh_seeds(
    confirmed_study: Path, finished_study: Path
) -> None:
    study = read_study(finished_study)
    assert study.incumbent is not None
    rows = list(csv.DictReader((confirmed_study / "confirm" / "results.csv").open()))
    by_setting = {row["setting"]: row["tuned"] for row in rows}
    assert by_setting == {"default": "0", study.incumbent[0].key.split("/")[0]: "1"}
    seeds = [confirmation_seed(0, number) for number in range(SEEDS)]
    assert [int(row["seed"]) for row in rows] == 2 * seeds
    assert not set(seeds) & {trial.seed for trial, _ in study.evaluations}
    view = read_confirmation(confirmed_study / "confirm")
    for run_, result in view.evaluations:
        assert run_.budget == 2
        own = confirmed_study / "confirm" / "trials" / run_.key
        assert len((own / "metrics.jsonl").read_text().splitlines()) == 2
        assert result.timestamps["search_seconds"] > 0
    # The study itself is as it was.
    assert events(confirmed_study) == events(finished_study)


def test_killed_and_resumed_it_is_the_same_file(
    finished_study: Path, confirmed_study: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "killed"
    shutil.copytree(finished_study, folder)
    moments = random.Random(0)
    arguments: list[object] = ["confirm", folder, "--seeds", SEEDS]
    for lines in (3, 5):
        with started(*arguments) as master:
            wait_until(lambda lines=lines: len(decisions(folder)) >= lines, master)  # type: ignore[misc]
            time.sleep(moments.uniform(0, 0.3))
            master.kill()
        arguments = ["confirm", folder]
    with started(*arguments) as master:
        wait_until(lambda: len(decisions(folder)) >= 7, master)
        master.send_signal(signal.SIGINT)
        _, complaint = finish(master)
    assert complaint.splitlines() == [
        f"stopped; every finished evaluation is kept; to resume: oneshot-hpo confirm {folder}"
    ]
    ended = run("confirm", folder)
    assert ended.returncode == 0, ended.stderr
    assert decisions(folder) == decisions(confirmed_study)
    results = [study / "confirm" / "results.csv" for study in (folder, confirmed_study)]
    assert results[0].read_bytes() == results[1].read_bytes()


def test_more_seeds_and_a_setting_add_to_it(confirmed_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "more"
    shutil.copytree(confirmed_study, folder)
    ended = run("confirm", folder, "--seeds", SEEDS + 1, "--workers", 2)
    assert ended.returncode == 0, ended.stderr
    before = decisions(confirmed_study)
    assert decisions(folder)[: len(before)] == before
    rows = (folder / "confirm" / "results.csv").read_text().splitlines()
    for line in (confirmed_study / "confirm" / "results.csv").read_text().splitlines():
        assert line in rows
    assert len(rows) == 1 + RUNS + 2
    named = ["--setting", "slow", "--set", "search.learning_rate=0.002", "--seeds", 1]
    ended = run("confirm", folder, *named)
    assert ended.returncode == 0, ended.stderr
    view = read_confirmation(folder / "confirm")
    (slow,) = [r for r, _ in view.evaluations if r.setting == "slow"]
    assert slow.config == view.settings["default"].config | {"learning_rate": 0.002}
    assert slow.seed == confirmation_seed(0, 0)
    compared = run("compare", folder, f"{folder}:slow")
    assert compared.returncode == 0, compared.stderr
    assert "darts slow" in compared.stdout


@pytest.mark.parametrize(
    ("name", "overrides", "message"),
    [
        ("default", ["search.momentum=0.5"], "is not default"),
        ("x", [], "give its values"),
        ("x", ["search.momentm=0.5"], "did you mean momentum?"),
        ("x", ["search.momentum=2"], "momentum must be"),
        ("x", ["search.stacks=9"], "stacks"),
        ("x", ["seed=1"], "search.KEY=VALUE only"),
        (None, ["search.momentum=0.5"], "name the setting that has this value with --setting"),
        (None, ["cluster.thread=1"], "did you mean threads?"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    finished_study: Path, name: str | None, overrides: list[str], message: str
) -> None:
    with pytest.raises(ValueError) as caught:
        confirm_study(Console(), finished_study, None, setting=name, overrides=overrides)
    assert is_user_error(caught.value)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (finished_study / "confirm").exists()


@pytest.mark.parametrize(
    ("loss", "evaluations", "message"),
    [
        (lambda trial: 0.1, 0, "no evaluation has finished yet"),
        (lambda trial: None, 6, "every evaluation crashed (SearchDiverged: too far)"),
        (lambda trial: None if trial.budget == 2 else 0.1, 2, "at the largest budget, 2 epochs"),
    ],
)
def test_a_study_without_an_incumbent_has_nothing_to_confirm(
    tiny_study: Path, tmp_path: Path, loss: Any, evaluations: int, message: str
) -> None:
    spec = freeze(complete(load_study(str(tiny_study)), "tiny"))
    with create_study(tmp_path / "s", spec) as study:
        work(study, loss, evaluations)
    with pytest.raises(UserError) as caught:
        confirm_study(Console(), tmp_path / "s", None)
    assert message in str(caught.value)
    assert not (tmp_path / "s" / "confirm").exists()


def test_a_default_that_stayed_the_best_is_confirmed_alone(
    tiny_study: Path, tmp_path: Path
) -> None:
    def worse(trial: Trial) -> float:
        return 0.01 if trial.id[0] < 0 else 0.1

    spec = freeze(complete(load_study(str(tiny_study), ["workers=1"]), "tiny"))
    with create_study(tmp_path / "s", spec) as study:
        work(study, worse)
    ended = run("confirm", tmp_path / "s", "--seeds", 1)
    assert ended.returncode == 0, ended.stderr
    view = read_confirmation(tmp_path / "s" / "confirm")
    assert list(view.settings) == ["default"]
    assert view.tuned == "default"
    compared = run("compare", tmp_path / "s")
    assert compared.returncode == 0, compared.stderr
    assert "stayed the best" in " ".join(compared.stdout.split())


def test_a_confirmation_of_another_study_is_left_alone(
    confirmed_study: Path, tiny_study: Path, tmp_path: Path
) -> None:
    spec = freeze(complete(load_study(str(tiny_study), ["seed=5"]), "tiny"))
    with create_study(tmp_path / "s", spec) as study:
        work(study, lambda trial: 0.1)
    shutil.copytree(confirmed_study / "confirm", tmp_path / "s" / "confirm")
    before = decisions(tmp_path / "s")
    ended = run("confirm", tmp_path / "s")
    assert ended.returncode == 2
    assert "belongs to another study" in ended.stderr
    assert decisions(tmp_path / "s") == before
    assert math.isfinite(before[-1]["loss"])
