"""What a study costs its master: processor time of ask, tell and the journal, without fsync.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.ask_and_tell \\
        [--evaluations 300] [--spaces cs2 cs3] [--repeats 5] [--workers 1] [--every N]
        [--checkout FOLDER] [--peers dehb optuna]

`cs2` has 3 hyperparameters, `cs3` 9; the budgets are 1, 3, 9, 27 and 81. Losses are random, and a
result is told at once, with one worker; with more, the oldest trial that runs finishes first. Each
run is a process of its own. With `--every N`, there is a row for each N evaluations.

Other runs alternate with this checkout's: `--checkout` is another checkout of this project, with
the same Python, and `--peers` are other libraries, as in `optimizers/README.md`.

Printed are medians of the repeats: milliseconds an evaluation (`own_ms`), of opening the finished
study (`open_ms`), and of fsync alone (`fsync_ms`). Where the folder for temporary files is in
memory (TMPDIR=/dev/shm), the disk does not slow the command down.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import defaultdict, deque
from pathlib import Path
from statistics import median
from typing import Any

from rich.console import Console
from rich.table import Table

from oneshot_hpo.experiments.benchmarks.optimizers import peer
from oneshot_hpo.hpo import OptimizerSettings, Study, Trial, TrialResult, configuration_space
from oneshot_hpo.hpo.brackets import rung_budgets, total_evaluations

Row = dict[str, Any]
COLUMNS = ("own_ms", "fsync_ms", "open_ms")
PEERS = ("dehb", "optuna")


class FsyncTime:
    """Processor time of all fsync calls since this was made."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._fsync = os.fsync
        os.fsync = self._timed  # type: ignore[assignment]

    def _timed(self, descriptor: Any) -> None:
        start = time.process_time()
        self._fsync(descriptor)
        self.seconds += time.process_time() - start


def measured(space: str, evaluations: int, workers: int, every: int) -> list[Row]:
    """A row for each `every` evaluations of a new study; the last one has `open_ms`, too."""
    fsync = FsyncTime()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "study"
        settings = settings_for(evaluations)
        with Study.create(
            folder, header={}, space=configuration_space(space), settings=settings
        ) as study:
            rows = _rows(study, evaluations, workers, every, fsync)

        before = time.process_time()
        Study.open(folder).close()
        rows[-1]["open_ms"] = 1e3 * (time.process_time() - before) / evaluations
    return rows


def settings_for(evaluations: int) -> OptimizerSettings:
    """Settings of a study of at least so many evaluations."""

    def settings(iterations: int) -> OptimizerSettings:
        return OptimizerSettings(min_budget=1, max_budget=81, eta=3, iterations=iterations)

    iterations = 1
    while total_evaluations(settings(iterations)) < evaluations:
        iterations += 1 + iterations // 10
    return settings(iterations)


def _rows(study: Study, evaluations: int, workers: int, every: int, fsync: FsyncTime) -> list[Row]:
    rng = random.Random(0)
    running: deque[Trial] = deque()
    rows: list[Row] = []
    start, waited = time.process_time(), fsync.seconds
    for number in range(1, evaluations + 1):
        while len(running) < workers and (trial := study.ask()) is not None:
            running.append(trial)
        loss = rng.random()
        study.tell(running.popleft(), TrialResult(loss, {"valid_error": loss}))

        if number % every == 0 or number == evaluations:
            count = number - (rows[-1]["evaluations"] if rows else 0)
            in_fsync = fsync.seconds - waited
            own = time.process_time() - start - in_fsync
            times = {"own_ms": 1e3 * own / count, "fsync_ms": 1e3 * in_fsync / count}
            rows.append({"evaluations": number} | times)
            start, waited = time.process_time(), fsync.seconds
    return rows


def study_run(arguments: argparse.Namespace, space: str, checkout: Path | None) -> list[Row]:
    """The rows of a study in a process of its own, by another checkout if one is given."""
    command = [sys.executable, __file__, "--one", space, f"--workers={arguments.workers}"]
    command += [f"--evaluations={arguments.evaluations}", f"--every={arguments.every}"]
    environment = dict(os.environ)
    if checkout is not None:
        environment["PYTHONPATH"] = str(checkout.resolve())
    done = subprocess.run(
        command, cwd=checkout, env=environment, check=True, stdout=subprocess.PIPE
    )
    rows: list[Row] = json.loads(done.stdout)
    return rows


def peer_run(arguments: argparse.Namespace, space: str, name: str) -> list[Row]:
    """The row of another library."""
    python = peer.make_environment(arguments.environments, name)
    settings = settings_for(arguments.evaluations)
    budgets = rung_budgets(settings)
    problem = {
        "space": peer.described_space(configuration_space(space)),
        "budgets": budgets,
        "min_budget": budgets[0] * (1 - 1e-9),
        "eta": settings.eta,
        "seed": 0,
        "workers": 1,
    }
    script = Path(peer.__file__).parent / "peers" / "own_time.py"
    done = subprocess.run(
        [str(python), str(script), name, str(arguments.evaluations)],
        input=json.dumps(problem),
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # libraries say a lot
    )
    return [json.loads(done.stdout.splitlines()[-1])]


def compare(arguments: argparse.Namespace) -> dict[tuple[str, str, int], list[Row]]:
    """The rows of all repeats, by space, who ran, and number of evaluations."""
    runs: dict[str, Any] = {"this": lambda space: study_run(arguments, space, None)}
    if arguments.checkout is not None:
        runs["checkout"] = lambda space: study_run(arguments, space, arguments.checkout)
    for name in arguments.peers:
        runs[name] = lambda space, name=name: peer_run(arguments, space, name)

    found = defaultdict(list)
    for _ in range(arguments.repeats):
        for space in arguments.spaces:
            for who, run in runs.items():
                for row in run(space):
                    found[space, who, row["evaluations"]].append(row)
    return found


def main() -> None:
    """Prints a table of medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--evaluations", type=int, default=300)
    parser.add_argument("--spaces", nargs="+", default=["cs2", "cs3"])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--every", type=int, default=10**9)
    parser.add_argument("--checkout", type=Path)
    parser.add_argument("--peers", nargs="+", choices=PEERS, default=[])
    parser.add_argument("--environments", type=Path, default=Path("optimizers-environments"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        counts = arguments.evaluations, arguments.workers, arguments.every
        print(json.dumps(measured(arguments.one, *counts)))
        return

    table = Table("space", "who", "evaluations", *COLUMNS)
    for (space, who, evaluations), rows in compare(arguments).items():
        medians = [
            f"{median(row[key] for row in rows):.3f}" if key in rows[0] else "" for key in COLUMNS
        ]
        table.add_row(space, who, str(evaluations), *medians)
    Console().print(table)


if __name__ == "__main__":
    main()
