"""A large study: the master's time an evaluation, its memory, and how soon it is open again."""

from __future__ import annotations

import tempfile
from pathlib import Path

from experiments.benchmarks.study_scale import grow, replays, specification
from experiments.benchmarks.survival.rows import Group, Progress, Row

EVALUATIONS, WORKERS = 100_000, 1000
OWN_MS, MEMORY_MB, REPLAY_S = 2.0, 1000.0, 30.0
"""What a master may take at the end: of its own for an evaluation, in all, and to open it."""


def run(progress: Progress, evaluations: int = EVALUATIONS) -> list[Row]:
    """One row: evaluations of a study on simulated workers, all told, within what it may take."""
    spec = specification("halving", evaluations, WORKERS, [])
    progress("scale", 0, evaluations)
    with tempfile.TemporaryDirectory(prefix="scale-") as name:
        rows = grow(spec, Path(name), every=max(1, evaluations // 20)).rows
        # The last few only end what was asked for before.
        last = max(rows[-2:], key=lambda row: row["own_ms"])
        progress("scale", evaluations, evaluations)
        opened = replays(Path(name), [evaluations])[-1]
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
