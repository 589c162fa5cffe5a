"""The command line as a user runs it, and what a study's journal says."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from hpo import StudyNotFound
from hpo.journal import read_journal

TINY_EVALUATIONS = 6
"""Evaluations of the tiny study (see conftest)."""


def command(*arguments: object) -> list[str]:
    """The command line `oneshot-hpo ARGUMENTS`."""
    return [sys.executable, "-m", "experiments.cli", *map(str, arguments)]


def run(
    *arguments: object, cwd: Path | None = None, seconds: float = 200
) -> subprocess.CompletedProcess[str]:
    """Run `oneshot-hpo ARGUMENTS` to its end, in a terminal of 80 columns."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=seconds,
    )


@contextlib.contextmanager
def started(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """`oneshot-hpo ARGUMENTS` in the background, in a process group of its own."""
    process = subprocess.Popen(
        command(*arguments),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_until(done: Callable[[], bool], seconds: float = 90) -> None:
    """Wait for something that has to happen."""
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "the study does not get on"
        time.sleep(0.05)


def events(folder: Path) -> list[dict[str, Any]]:
    """The complete lines of a study's journal; none if there is no journal yet."""
    try:
        return read_journal(folder / "journal.jsonl")[0]
    except StudyNotFound:
        return []


def decisions(folder: Path) -> list[dict[str, Any]]:
    """The journal without its times: what has to be equal between equal studies."""
    return [
        {key: value for key, value in event.items() if key not in ("time", "timestamps")}
        for event in events(folder)
    ]


def told(folder: Path) -> list[tuple[Any, ...]]:
    """Id and budget of each evaluation that was told, in the order of telling."""
    return [(*event["id"], event["budget"]) for event in events(folder) if event["event"] == "tell"]
