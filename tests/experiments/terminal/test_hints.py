"""Every command that a user is advised to run is one that a shell reads as it was meant."""

import io
import shlex
import subprocess
from pathlib import Path

import pytest
from rich.console import Console
from support.made_study import confirm, run_study

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.compare.sources import read_sources
from oneshot_hpo.experiments.confirm.confirming import confirm_study
from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.experiments.grids.running import resume_command
from oneshot_hpo.experiments.report import comparison, origin
from oneshot_hpo.experiments.study.environment import check_environment
from oneshot_hpo.experiments.study.folder import check_vacant
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.status import show_status
from oneshot_hpo.experiments.terminal.hints import command, say

AWKWARD = 'it\'s  [red]$(id)[bold] "so" :x: `id` & %41'
SEEDS = 1


def advised(text: str) -> list[list[str]]:
    """The words of each command in lines of text."""
    lines = [line.partition("oneshot-hpo ")[2] for line in text.splitlines()]
    return [shlex.split(line) for line in lines if line]


@pytest.fixture(scope="module")
def awkward(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished and confirmed study in a folder whose name means much to a shell."""
    folder = tmp_path_factory.mktemp("made") / AWKWARD
    run_study(folder, "seed=2", workers=3)
    confirm(folder, SEEDS)
    return folder


@pytest.mark.parametrize("name", [AWKWARD, "a\\b", "-n", "--watch", "*", "a;b", "~", "#"])
def test_a_shell_reads_the_words_back(name: str) -> None:
    words = command("status", Path(name), "--only", "a b").removeprefix("oneshot-hpo ")
    shown = subprocess.check_output(["bash", "-c", f"printf '%s\\n' {words}"], text=True)
    verb, path, *options = shown.splitlines()
    assert (verb, Path(path), options) == ("status", Path(name), ["--only", "a b"])
    assert not path.startswith("-")


def test_what_is_printed_for_copying_is_left_as_it_is() -> None:
    shown = io.StringIO()
    say(Console(file=shown, width=20), command("status", Path(AWKWARD)))
    assert shown.getvalue() == command("status", Path(AWKWARD)) + "\n"
    with pytest.raises(UserError) as error:
        raise UserError(f"first\n  second: {command('resume', Path(AWKWARD))}")
    assert one_line(error.value) == f"first second: {command('resume', Path(AWKWARD))}"


def test_the_terminal_s_and_study_yaml_s(awkward: Path) -> None:
    shown = io.StringIO()
    show_status(Console(file=shown, width=60), awkward)
    assert advised(shown.getvalue()) == [["confirm", str(awkward)], ["compare", str(awkward)]]
    first = (awkward / "study.yaml").read_text().splitlines()[0]
    assert advised(first) == [["resume", str(awkward)]]


def test_the_report_s(awkward: Path) -> None:
    again = f"{AWKWARD}-again"
    assert advised("\n".join(origin.read(OpenedStudy(awkward)).commands)) == [
        ["launch", "study.yaml", "--dir", again],
        ["confirm", again, "--seeds", str(SEEDS)],
    ]
    (awkward / "confirm").rename(awkward / "away")
    try:
        reason = comparison.read(OpenedStudy(awkward), [])
    finally:
        (awkward / "away").rename(awkward / "confirm")
    assert advised(str(reason.command)) == [["confirm", str(awkward)]]


def test_those_of_errors(awkward: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError) as error:
        check_vacant(awkward)
    assert advised(str(error.value)) == [["resume", str(awkward)]]

    unconfirmed = run_study(tmp_path / AWKWARD, "workers=2", "iterations=0")
    with pytest.raises(UserError) as error:
        read_sources([str(unconfirmed)])
    assert advised(str(error.value)) == [["confirm", str(unconfirmed)]]

    now = machine.versions()
    monkeypatch.setattr(machine, "versions", lambda: now | {"torch": "another"})
    with pytest.raises(UserError) as error:
        check_environment(Console(), OpenedStudy(unconfirmed), accept=False)
    assert advised(str(error.value)) == [["resume", str(unconfirmed), "--accept-changes"]]


def test_a_grid_s(tmp_path: Path) -> None:
    folder = tmp_path / AWKWARD
    words = ["launch", str(folder / "grid.yaml"), "--dir", str(folder), "--only", "search.x=a b"]
    assert advised(resume_command(folder, ["search.x=a b"])) == [words]


def test_a_finished_confirmation_s(awkward: Path) -> None:
    shown = io.StringIO()
    confirm_study(Console(file=shown, width=60), awkward, SEEDS)
    assert advised(shown.getvalue()) == [["compare", str(awkward)]]
