"""A large study: the master's time an evaluation, its memory, and how soon it is open again."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row

EVALUATIONS, WORKERS = 100_000, 1000
OWN_MS, MEMORY_MB, REPLAY_S = 2.0, 1000.0, 30.0
"""Limits of a master at the end: its own time an evaluation, its memory, and to open the study."""


def run(progress: Progress, evaluations: int = EVALUATIONS) -> list[Row]:
    """One row: evaluations of a study on simulated workers, all finished, within its limits."""
    progress("scale", 0, evaluations)
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        growth, replays = measured(Path(name), evaluations)
    progress("scale", evaluations, evaluations)
    # The last few evaluations only finish what was submitted before.
    last = max(growth[-2:], key=lambda row: row["own_ms"])
    opened = replays[-1]
    within = (
        last["own_ms"] < OWN_MS
        and max(last["memory_mb"], opened["memory_mb"]) < MEMORY_MB
        and opened["open_s"] < REPLAY_S
    )
    note = (
        f"{WORKERS:,} simulated workers; at the end {last['own_ms']:.1f} ms of the master an "
        f"evaluation, {last['memory_mb']:.0f} MB; opened again in {opened['open_s']:.0f} s with "
        f"{opened['memory_mb']:.0f} MB"
    )
    survived = evaluations if within else 0
    return [Row(Group.SCALE, Group.SCALE.what, evaluations, survived, note)]


def measured(
    folder: Path, evaluations: int
) -> tuple[list[dict[str, float]], list[dict[str, float]]]:
    """The rows of growth and replay from `study_scale` in a process of its own."""
    module = "oneshot_hpo.experiments.benchmarks.study_scale"
    options = ["--evaluations", str(evaluations), "--every", str(max(1, evaluations // 20))]
    subprocess.run(
        [sys.executable, "-m", module, "--dir", str(folder), *options, "--workers", str(WORKERS)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        check=True,
    )
    return _rows(folder / "growth.csv"), _rows(folder / "replay.csv")


def _rows(path: Path) -> list[dict[str, float]]:
    with path.open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
