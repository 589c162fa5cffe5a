"""A real study of digits under a killer: every few seconds one of its processes is ended.

That is its master, in which the nannies of Dask live, a worker, or what watches their resources;
one worker at a time, so that the seed alone decides.
"""

from __future__ import annotations

import contextlib
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row
from oneshot_hpo.experiments.benchmarks.survival.study import decisions, recorded
from oneshot_hpo.hpo import read_study

SHORTEST, LONGEST = 5.0, 15.0
"""Seconds between two kills."""
SEED = 0
_OPTIONS = (
    *("--workers", "1", "--set", "iterations=5"),  # 26 evaluations
    *("--set", "cluster.max_attempts=1000"),  # a lost attempt is no crash of the trial
)


def run(progress: Progress) -> list[Row]:
    """The study undisturbed, then under the killer until it is done."""
    with tempfile.TemporaryDirectory() as folder:
        undisturbed, killed = Path(folder, "undisturbed"), Path(folder, "killed")
        _oneshot_hpo("launch", "quickstart", "--dir", str(undisturbed), *_OPTIONS).wait()
        kills = _kill_until_done(killed, progress)
        evaluations = recorded(killed)
        once = len(set(evaluations)) == len(evaluations) == read_study(killed).total_evaluations
        same = _asks_and_tells(killed) == _asks_and_tells(undisturbed)
    note = f"{len(evaluations)} evaluations, each recorded once: the same decisions and incumbent"
    return [Row(Group.KILLER, Group.KILLER.what, kills, kills if once and same else 0, note)]


def _kill_until_done(folder: Path, progress: Progress) -> int:
    rng = random.Random(SEED)
    kills = 0
    master = _oneshot_hpo("launch", "quickstart", "--dir", str(folder), *_OPTIONS)
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            master.wait(rng.uniform(SHORTEST, LONGEST))
        if master.returncode == 0:
            return kills
        if master.returncode is None:
            process = psutil.Process(master.pid)
            victim = rng.choice([process, *process.children(recursive=True)])
            with contextlib.suppress(psutil.NoSuchProcess):
                victim.kill()
                kills += 1
            time.sleep(0.5)
        if master.poll() not in (None, 0):
            begun = (folder / "journal.jsonl").exists()
            words = ("resume", str(folder)) if begun else ("launch", "quickstart", "--dir")
            master = _oneshot_hpo(*words, *(() if begun else (str(folder), *_OPTIONS)))
        view = read_study(folder) if (folder / "journal.jsonl").exists() else None
        if view is not None:
            progress(f"{kills} kills", len(view.evaluations), view.total_evaluations)


def _asks_and_tells(folder: Path) -> list[dict[str, object]]:
    return [event for event in decisions(folder) if event["event"] in ("ask", "tell")]


def _oneshot_hpo(*words: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "oneshot_hpo.experiments.cli", *words]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
