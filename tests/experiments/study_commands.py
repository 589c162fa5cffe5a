"""The command line as a user runs it, and what a study's journal says."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

TINY_EVALUATIONS = 6
"""Evaluations of the tiny study (see conftest)."""


def command(*arguments: object) -> list[str]:
    """The command line `oneshot-hpo ARGUMENTS`."""
    return [sys.executable, "-m", "experiments.cli", *map(str, arguments)]


def run(*arguments: object, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run `oneshot-hpo ARGUMENTS` to its end, in a terminal of 80 columns."""
    return subprocess.run(
        command(*arguments),
        cwd=cwd,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        timeout=200,
    )


def events(folder: Path) -> list[dict[str, Any]]:
    """The complete lines of a study's journal; none if there is no journal yet."""
    try:
        lines = (folder / "journal.jsonl").read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return []
    return [json.loads(line) for line in lines]


def decisions(folder: Path) -> list[dict[str, Any]]:
    """The journal without its times: what has to be equal between equal studies."""
    return [
        {key: value for key, value in event.items() if key not in ("time", "timestamps")}
        for event in events(folder)
    ]
