"""Studies seen from outside: a copy of one that runs is another study."""

import io
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console
from support.made_study import new_study
from support.processes import finish, running
from support.study_commands import started
from support.waiting import wait_until

from oneshot_hpo.experiments.errors import StudyStopped
from oneshot_hpo.experiments.study.launching import resume_study
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.status import show_status, stop_study
from oneshot_hpo.experiments.study.workers_file import WORKERS, read_workers
from oneshot_hpo.hpo import Study

CONSOLE = Console(quiet=True)


def test_a_copy_of_a_running_study_is_not_running_and_stopping_it_ends_nothing(
    tmp_path: Path,
) -> None:
    with new_study(tmp_path / "study") as study:
        study.ask()
        shutil.copytree(tmp_path / "study", tmp_path / "copy")
        assert OpenedStudy(tmp_path / "study").has_master
        assert not OpenedStudy(tmp_path / "copy").has_master
        stop_study(CONSOLE, tmp_path / "copy")  # this process is the master, and lives
        with Study.open(tmp_path / "copy") as copy:
            copy.ask()
        study.ask()


def test_what_may_be_a_master_is_named_and_left_alone(tmp_path: Path) -> None:
    with new_study(tmp_path / "study"):
        (tmp_path / "study" / "lock").unlink()
        with pytest.raises(StudyStopped, match=f"end it with kill {os.getpid()}"):
            stop_study(CONSOLE, tmp_path / "study")


@pytest.mark.parametrize(
    ("beside", "words"), [("trials", "restore a copy of the file"), (None, "no trial has run")]
)
def test_an_empty_journal_does_not_say_what_is_not_so(
    tmp_path: Path, beside: str | None, words: str
) -> None:
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "journal.jsonl").touch()
    if beside is not None:
        (folder / beside).mkdir()
    with pytest.raises(ValueError, match=words):
        resume_study(CONSOLE, folder, None, [], submit=False, as_job=False, cluster=None)


def output_of_status(folder: Path) -> str:
    """What `oneshot-hpo status` prints."""
    console = Console(file=io.StringIO(), width=200)
    show_status(console, folder)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_study_that_waits_for_workers_says_so(tmp_path: Path) -> None:
    folder = tmp_path / "study"
    with new_study(folder) as study:
        study.ask()
        assert output_of_status(folder).endswith("running\n")
        (folder / WORKERS).write_text(
            json.dumps({"alive": 0, "running": 0, "state": "no worker since 12:00; waiting"})
        )
        output = output_of_status(folder)
        assert output.endswith("running; it waits for workers (no worker since 12:00; waiting)\n")
        assert " done, 0 running" in output
        (folder / WORKERS).write_text(json.dumps({"alive": 2, "running": 1, "state": ""}))
        assert output_of_status(folder).endswith("running\n")
    # A master that was killed leaves the file.
    assert output_of_status(folder).startswith("quickstart")
    assert "not running; to resume" in output_of_status(folder)


@pytest.mark.parametrize("content", ["", "[]", '{"alive": 0}', '{"alive": "0", "running": 0}'])
def test_a_damaged_file_of_workers_is_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / WORKERS).write_text(content)
    assert read_workers(tmp_path) is None


@pytest.mark.slow
def test_another_terminal_sees_that_a_study_waits_for_workers(
    tiny_study: Path, tmp_path: Path
) -> None:
    file, folder = tmp_path / "scheduler.json", tmp_path / "study"
    options = ["--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file]
    words = [sys.executable, "-m", "distributed.cli.dask_scheduler", *options]
    silent = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with running(words, **silent) as scheduler:
        wait_until(file.exists, scheduler)
        with started("launch", tiny_study, "--dir", folder, "--scheduler-file", file) as master:
            wait_until((folder / WORKERS).exists, master)
            assert "running; it waits for workers (no worker since " in output_of_status(folder)
            stop_study(CONSOLE, folder)
            finish(master)
    assert not (folder / WORKERS).exists()
