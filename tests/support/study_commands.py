"""The command line as a user runs it, and the content of a study's journal."""

import contextlib
import io
import os
import subprocess
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from support import processes
from support.processes import running

from oneshot_hpo.experiments import cli
from oneshot_hpo.hpo import StudyNotFound
from oneshot_hpo.hpo.journal.file import read_journal

TINY_EVALUATIONS = 6
"""Evaluations of the tiny study (see conftest)."""


def command(*arguments: object) -> list[str]:
    """The command line `oneshot-hpo ARGUMENTS`."""
    return [sys.executable, "-m", "oneshot_hpo.experiments.cli", *map(str, arguments)]


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `oneshot-hpo ARGUMENTS` to its end, in a terminal of 80 columns."""
    return processes.run(command(*arguments), cwd=cwd, env=os.environ | {"COLUMNS": "80"})


def called(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Like `run`, for a command that can be tested in this process.

    Nine tenths of such a process' time are its imports.
    """
    words = [str(argument) for argument in arguments]
    output, complaint = io.StringIO(), io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(complaint),
        pytest.raises(SystemExit) as ended,
    ):
        patch.setattr(sys, "argv", ["oneshot-hpo", *words])
        patch.setenv("COLUMNS", "80")
        if cwd is not None:
            patch.chdir(cwd)
        cli.main()
    code = ended.value.code or 0
    assert isinstance(code, int)
    return subprocess.CompletedProcess(words, code, output.getvalue(), complaint.getvalue())


def refused(*arguments: object, cwd: Path | None = None) -> str:
    """The one line on standard error of a command that ends with exit code 2."""
    ended = called(*arguments, cwd=cwd)
    assert ended.returncode == 2, ended
    assert ended.stdout == ""
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: ")
    return line


def started(*arguments: object) -> AbstractContextManager[subprocess.Popen[str]]:
    """`oneshot-hpo ARGUMENTS` in the background, in a process group of its own."""
    return running(command(*arguments), stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def events(folder: Path) -> list[dict[str, Any]]:
    """The complete lines of a study's journal; none if there is no journal yet."""
    try:
        return read_journal(folder / "journal.jsonl")[0]
    except StudyNotFound:
        return []


def decisions(folder: Path) -> list[dict[str, Any]]:
    """The journal without its times, which is equal for equal studies."""
    return [
        {key: value for key, value in event.items() if key not in ("time", "timestamps")}
        for event in events(folder)
    ]


def told(folder: Path) -> list[tuple[Any, ...]]:
    """Id and budget of each finished evaluation, in order."""
    return [(*event["id"], event["budget"]) for event in events(folder) if event["event"] == "tell"]
