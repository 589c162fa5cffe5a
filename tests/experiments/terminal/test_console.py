"""What commands print: foreign texts do nothing to a terminal; output that goes away is said."""

import os
import re
import signal
import subprocess
from pathlib import Path

import pytest
from support.study_commands import command, events, run, started
from support.waiting import wait_until

from oneshot_hpo.experiments.errors import printable
from oneshot_hpo.experiments.study.completion import complete
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.status import show_status
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.experiments.terminal.console import terminal
from oneshot_hpo.hpo import TrialResult

ROOT = Path(__file__).parents[3]
HOSTILE = "\x1b]0;title\x07\x1b[2J\x9b31m \u202e[/red][link=x]\ud800\r"
GONE = "error: standard output has gone away"


@pytest.fixture
def hostile_study(tmp_path: Path) -> Path:
    """A study that nobody has run, whose crash is a text for a terminal."""
    spec = complete(load_study("quickstart", ["workers=1"]), "quickstart")
    folder = tmp_path / "study"
    with create_study(folder, spec) as study:
        trial = study.ask()
        assert trial is not None
        reason = HOSTILE.replace("\ud800", "")
        study.tell(trial, TrialResult(None, {"state": "CRASHED"}, reason))
    return folder


def test_status_of_a_foreign_study_moves_no_cursor(
    hostile_study: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show_status(terminal(), hostile_study)
    shown = capsys.readouterr().out
    assert all(line.isprintable() for line in shown.splitlines())
    assert r"\x1b]0;title" in re.sub(r"\s+", "", shown)
    assert "[/red]" in re.sub(r"\s+", "", shown)


@pytest.mark.parametrize("soft_wrap", [False, True])
def test_whatever_is_printed_is_only_shown(
    capsys: pytest.CaptureFixture[str], soft_wrap: bool
) -> None:
    terminal().print(HOSTILE, "two\nlines", soft_wrap=soft_wrap)
    shown = capsys.readouterr().out
    assert shown.count("\n") >= 2
    assert all(line.isprintable() for line in shown.splitlines())
    assert printable("two\nlines", kept="\n") == "two\nlines"
    assert printable("two\nlines") == r"two\nlines"


def test_every_command_prints_through_the_terminal() -> None:
    printed = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "experiments").rglob("*.py")
        if re.search(r"\bConsole\(", path.read_text())
    }
    assert {p for p in printed if "benchmarks" not in p} == set()


@pytest.mark.slow
@pytest.mark.parametrize("closed", ["by the reader", "from the start"])
@pytest.mark.parametrize("arguments", [["show", "quickstart"], ["status", "DIR"]], ids=str)
def test_output_that_goes_away_is_said(
    hostile_study: Path, arguments: list[str], closed: str
) -> None:
    words = [str(hostile_study) if word == "DIR" else word for word in arguments]
    reader, writer = os.pipe()
    os.close(reader)
    line = command(*words)
    if closed == "from the start":
        line = ["sh", "-c", 'exec "$@" >&-', "sh", *line]
    ended = subprocess.run(line, stdout=writer, stderr=subprocess.PIPE, text=True)
    os.close(writer)
    assert ended.returncode == 1
    (complaint,) = ended.stderr.splitlines()
    expected = GONE if closed == "by the reader" else "error: standard output is closed"
    assert complaint.startswith(expected)


@pytest.mark.slow
def test_a_study_whose_output_goes_away_stops_in_order(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with started("launch", tiny_study, "--dir", folder, "--workers", 1) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        complaint = process.stderr.read()
        assert process.wait() == 1
    assert complaint.splitlines() == [
        f"{GONE}; once that is repaired, to resume: oneshot-hpo resume {folder}"
    ]
    assert events(folder)


@pytest.mark.slow
def test_standard_files_that_are_closed_are_not_a_journal(hostile_study: Path) -> None:
    before = (hostile_study / "journal.jsonl").read_bytes()
    closed = ["sh", "-c", 'exec "$@" 2>&- <&-', "sh", *command("check", hostile_study, "--mend")]
    ended = subprocess.run(closed, stdout=subprocess.PIPE, text=True)
    assert ended.returncode in (0, 1)
    assert (hostile_study / "journal.jsonl").read_bytes() == before


def _hears_sigterm(process: int) -> bool:
    status = Path(f"/proc/{process}/status").read_text()
    caught = int(re.findall(r"SigCgt:\s+(\w+)", status)[0], 16)
    return bool(caught >> (signal.SIGTERM - 1) & 1)


def test_sigterm_before_the_work_begins_is_said(tiny_study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with started("launch", tiny_study, "--dir", folder) as process:
        wait_until(lambda: _hears_sigterm(process.pid), process)
        process.send_signal(signal.SIGTERM)
        assert process.stderr is not None
        complaint = process.stderr.read()
        assert process.wait() == 130
    assert complaint.startswith("stopped")
    assert len(complaint.splitlines()) == 1


@pytest.mark.slow
def test_a_page_goes_where_it_is_wanted(finished_study: Path, tmp_path: Path) -> None:
    page = tmp_path / "pages" / "tiny.html"
    done = run("report", finished_study, "--out", page)
    assert done.stdout == f"{page}\n"
    assert page.read_text().startswith("<!doctype html>")
    assert not (finished_study / "report").exists()
    (tmp_path / "notes.txt").write_text("mine")
    refused = run("report", finished_study, "--out", tmp_path / "notes.txt")
    assert refused.returncode == 2
    assert "notes.txt is not a page" in refused.stderr
    assert (tmp_path / "notes.txt").read_text() == "mine"
