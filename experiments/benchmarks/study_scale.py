"""The cost of a master as its study grows: time an evaluation, memory, journal, replay.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.study_scale --dir DIR \\
        [--evaluations 100000] [--workers 1000] [--shape halving] [--set KEY=VALUE]
        [--dask SECONDS]

The study, its journal, BOHB, the loop and the display are those of `oneshot-hpo launch`; a trial is
a formula. Only the pool is simulated: trials take a random time of a clock that is none. With
`--dask` only the trials are simulated, which sleep for SECONDS an epoch: the workers are Dask's,
in other processes, and what the scheduler takes is the master's, in whose process it is.

DIR gets `growth.csv` (a row at regular intervals) and `replay.csv` (opening the journal, cut
after the same evaluations, in a process of its own). It cannot be resumed.

Times are processor time of the master, so that neighbours on the machine matter little; what the
disk takes for fsync is waited for, not computed, and has a column of its own.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from oneshot_hpo.cluster.simulated import SimulatedPool
from oneshot_hpo.experiments.benchmarks.instant_trial import instant_trial
from oneshot_hpo.experiments.benchmarks.many_workers import ManyWorkers
from oneshot_hpo.experiments.study.completion import complete, freeze
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.status import show_status
from oneshot_hpo.experiments.study.validation import load_study
from oneshot_hpo.experiments.terminal.progress import display_for
from oneshot_hpo.hpo import Study, read_study
from oneshot_hpo.hpo.brackets import total_evaluations
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME

SHAPES = {
    "halving": ("min_budget=1", "max_budget=81", "eta=3"),
    "paper": ("min_budget=25", "max_budget=100", "eta=2"),
    "single": ("min_budget=12", "max_budget=12", "eta=2"),
}
"""Five rungs (5 % of the evaluations at the largest budget), the paper's three (36 %), one."""


class Growth:
    """A display that passes everything on, and notes what it all costs in between."""

    def __init__(
        self, display: Any, pool: SimulatedPool | ManyWorkers, folder: Path, every: int
    ) -> None:
        self._display, self._pool, self._folder, self._every = display, pool, folder, every
        self._fsync_cpu = self._fsync_wall = 0.0
        self._next = every
        self._last = (0, time.process_time(), 0.0, time.perf_counter())
        self.rows: list[dict[str, float]] = []

    def say(self, line: str) -> None:
        """As the loop calls it."""
        self._display.say(line)

    def update(self, study: Study, running: int, workers: str) -> None:
        """As the loop calls it."""
        self._display.update(study, running, workers)
        count = len(study.evaluations)
        if count < self._next and not study.finished:
            return
        self._next += self._every
        own = time.process_time() - self._pool.spent - self._fsync_cpu
        evaluations = count - self._last[0]
        if not evaluations:
            return
        row = {
            "evaluations": count,
            "own_ms": 1e3 * (own - self._last[1]) / evaluations,
            "wall_ms": 1e3 * (time.perf_counter() - self._last[3]) / evaluations,
            "fsync_ms": 1e3 * (self._fsync_wall - self._last[2]) / evaluations,
            "memory_mb": memory_mb(),
            "journal_mb": (self._folder / JOURNAL_NAME).stat().st_size / 1e6,
        }
        self._last = (count, own, self._fsync_wall, time.perf_counter())
        self.rows.append(row)
        _write(self._folder / "growth.csv", self.rows)
        print("  ".join(f"{key} {value:.5g}" for key, value in row.items()), file=sys.__stderr__)

    @contextmanager
    def timing_fsync(self) -> Iterator[None]:
        """While inside, what fsync takes is counted apart."""
        fsync = os.fsync

        def timed(descriptor: Any) -> None:
            wall, cpu = time.perf_counter(), time.process_time()
            fsync(descriptor)
            self._fsync_wall += time.perf_counter() - wall
            self._fsync_cpu += time.process_time() - cpu

        os.fsync = timed  # type: ignore[assignment]
        try:
            yield
        finally:
            os.fsync = fsync


def grow(
    spec: StudySpec, folder: Path, every: int, *, epoch_seconds: float | None = None
) -> Growth:
    """Run a study of this size to its end; what it cost.

    epoch_seconds: of trials that sleep on Dask's workers; None: on simulated ones.
    """
    workers = spec.workers or 1
    pool: SimulatedPool | ManyWorkers = SimulatedPool(
        workers, 0, instant_trial, lambda task: task.budget
    )
    if epoch_seconds is not None:
        pool = ManyWorkers(workers, epoch_seconds)
    with (
        Path(os.devnull).open("w") as nowhere,
        display_for(Console(file=nowhere, force_terminal=True), spec.title, workers) as display,
        create_study(folder, spec) as study,
    ):
        growth = Growth(display, pool, folder, every)
        with growth.timing_fsync():
            StudyRun(study, spec, folder, growth).run(lambda: pool, workers)  # type: ignore
    return growth


def replay(folder: Path) -> dict[str, float]:
    """Open the study in `folder` as its next master does, then show its status."""
    seconds = {}
    for name, call in (
        ("open_s", lambda: Study.open(folder).close()),
        ("read_s", lambda: read_study(folder)),
        ("status_s", lambda: show_status(Console(file=sys.stderr, width=100), folder)),
    ):
        start = time.process_time()
        call()
        seconds[name] = time.process_time() - start
        if name == "open_s":
            seconds["memory_mb"] = memory_mb()
    return seconds


def replays(folder: Path, sizes: list[int]) -> list[dict[str, float]]:
    """Replay the journal's beginnings, each in a process of its own; what that cost."""
    lines = (folder / JOURNAL_NAME).read_bytes().splitlines(keepends=True)
    rows = []
    for size in sizes:
        finished = end = 0
        while finished < size:
            finished += b'"event": "tell"' in lines[end]
            end += 1
        part = folder / f"first-{size}"
        part.mkdir()
        (part / JOURNAL_NAME).write_bytes(b"".join(lines[:end]))
        command = [
            sys.executable,
            "-m",
            "oneshot_hpo.experiments.benchmarks.study_scale",
            "--replay",
        ]
        done = subprocess.run([*command, "--dir", str(part)], capture_output=True, check=True)
        rows.append({"evaluations": finished} | json.loads(done.stdout))
        _write(folder / "replay.csv", rows)
        print("  ".join(f"{key} {value:.5g}" for key, value in rows[-1].items()), file=sys.stderr)
    return rows


def memory_mb() -> float:
    """The memory of this process now, in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _write(path: Path, rows: list[dict[str, float]]) -> None:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def specification(shape: str, evaluations: int, workers: int, overrides: list[str]) -> StudySpec:
    """A study of at least `evaluations` evaluations, in CS3."""
    given = [*SHAPES[shape], "config_space=cs3", f"workers={workers}", *overrides]

    def planned(iterations: int) -> int:
        spec = load_study("quickstart", [*given, f"iterations={iterations}"])
        return total_evaluations(spec.optimizer_settings)

    iterations = max(1, round(60 * evaluations / planned(60)))
    while planned(iterations) < evaluations:
        iterations += 1
    spec = load_study("quickstart", [*given, f"iterations={iterations}"])
    return freeze(complete(spec, "quickstart"))


def main() -> None:
    """Grow a study, then replay its beginnings."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--evaluations", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1000)
    parser.add_argument("--shape", choices=SHAPES, default="halving")
    parser.add_argument("--every", type=int, default=5000)
    parser.add_argument("--dask", type=float, metavar="SECONDS", help="of an epoch on Dask workers")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--replay", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.replay:
        print(json.dumps(replay(arguments.dir)))
        return
    spec = specification(arguments.shape, arguments.evaluations, arguments.workers, arguments.set)
    grow(spec, arguments.dir, arguments.every, epoch_seconds=arguments.dask)
    replays(arguments.dir, [arguments.evaluations * k // 4 for k in (1, 2, 3, 4)])


if __name__ == "__main__":
    main()
