"""The benchmark of a study's own time, with few evaluations."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from oneshot_hpo.experiments.benchmarks import ask_and_tell


@pytest.fixture
def same_fsync(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", os.fsync)


@pytest.mark.usefixtures("same_fsync")
def test_rows_of_a_study() -> None:
    rows = ask_and_tell.measured("cs2", 10, 3, 4)
    assert [row["evaluations"] for row in rows] == [4, 8, 10]
    assert all(row["own_ms"] > 0 and row["fsync_ms"] >= 0 for row in rows)
    assert [row.get("open_ms", 0) > 0 for row in rows] == [False, False, True]


@pytest.mark.slow
def test_the_command_runs_each_study_in_its_own_process() -> None:
    checkout = Path(ask_and_tell.__file__).parents[3]
    command = [sys.executable, "-m", ask_and_tell.__name__, "--evaluations=12", "--repeats=2"]
    compared = [*command, "--spaces=cs2", f"--checkout={checkout}"]
    done = subprocess.run(compared, capture_output=True, text=True, check=True)
    (mine, other) = [line.split("│")[1:6] for line in done.stdout.splitlines() if "cs2" in line]
    assert [cell.strip() for cell in mine[:3]] == ["cs2", "this", "12"]
    assert [cell.strip() for cell in other[:3]] == ["cs2", "checkout", "12"]
    assert float(mine[3]) > 0

    done = subprocess.run([*command, "--one=cs2"], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)[-1]["evaluations"] == 12
