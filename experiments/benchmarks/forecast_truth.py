"""Forecasts beside what studies took: five studies on digits, on this machine.

    python -m oneshot_hpo.experiments.benchmarks.forecast_truth --dir DIR [--seconds 30]

Each is forecast with a measured epoch, launched with that forecast, and read again. In the last one
a worker is killed every SECONDS seconds, and the forecast knows that rate. DIR gets `truth.csv`.

A sixth one, `--only slurm`, is for a throw-away SLURM: its jobs have a time limit of two minutes,
and every SECONDS seconds urgent jobs take their GPUs for a moment.

    PYTHONPATH=tests python -m support.throwaway_slurm \\
        python -m oneshot_hpo.experiments.benchmarks.forecast_truth --dir DIR --only slurm
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from oneshot_hpo.experiments.forecast.kept import kept_forecast, truth_of
from oneshot_hpo.experiments.study.opened import OpenedStudy

_HOUR = 3600.0
_URGENT_SECONDS = 3
_WAITS = "1,5"
"""Of jobs in that SLURM: a node is free, or is when the urgent job has ended."""


@dataclass(frozen=True)
class Scenario:
    """A study, and what befalls its workers every few seconds."""

    settings: str
    """Of the study, as `key=value`."""
    fault: Callable[[int], None] | None = None
    """Is given the master's process."""
    foreseen: Callable[[float], list[str]] = lambda seconds: []
    """Options by which the forecast knows that rate."""


def _kill_a_worker(master: int) -> None:
    """Kill the process below the master's that has computed most."""
    found = psutil.Process(master).children(recursive=True)
    if found:
        max(found, key=lambda one: one.cpu_times().user).kill()


def _preempt_all(master: int) -> None:
    """Submit jobs that take all GPUs for a moment, of a partition above the study's."""
    urgent = ("--partition=urgent", "--array=0-3", "--gres=gpu:1", "--output=/dev/null")
    command = ["sbatch", *urgent, f"--wrap=sleep {_URGENT_SECONDS}"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


STUDIES = {
    "one-worker": Scenario("workers=1"),
    "two-workers": Scenario("workers=2"),
    "gdas": Scenario("workers=2 searcher=gdas"),
    "long": Scenario("workers=2 max_budget=24 seed=1"),
    "killed": Scenario(
        "workers=2 cluster.max_attempts=10",
        _kill_a_worker,
        lambda seconds: ["--losses", str(_HOUR / seconds / 2)],
    ),
    "slurm": Scenario(
        "workers=2 max_budget=24 cluster.slurm.partition=spare cluster.slurm.time='2' "
        "cluster.slurm.notice=20 cluster.slurm.cpus=1 cluster.slurm.scheduler_interface=lo",
        _preempt_all,
        lambda seconds: ["--preemptions", str(_HOUR / seconds), "--queue-waits", _WAITS],
    ),
}
FIVE = [name for name in STUDIES if name != "slurm"]
"""Studies that need no SLURM."""


def run(folder: Path, name: str, fault_seconds: float, settings: list[str]) -> dict[str, Any]:
    """Forecast, launch and score a study.

    fault_seconds: between two faults. settings: instead of the study's own, as `key=value`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    scenario = STUDIES[name]
    together = dict(one.split("=", 1) for one in [*scenario.settings.split(), *settings])
    study = ["quickstart"]
    for key, value in together.items():
        study += ["--set", f"{key}={value}"]

    kept = folder / f"{name}.json"
    with kept.open("w") as file:
        foresee = _command("forecast", *study, *scenario.foreseen(fault_seconds), "--json")
        subprocess.run(foresee, stdout=file, check=True)

    launch = _command("launch", *study, "--dir", str(folder / name), "--forecast", str(kept))
    faults = 0
    with (folder / f"{name}.log").open("w") as log:
        master = subprocess.Popen(launch, stdout=log, stderr=log)
        while master.poll() is None:
            try:
                master.wait(None if scenario.fault is None else fault_seconds)
            except subprocess.TimeoutExpired:
                assert scenario.fault is not None
                scenario.fault(master.pid)
                faults += 1
    if master.returncode:
        sys.exit(f"{name} failed: see {folder / name}.log")

    opened = OpenedStudy(folder / name)
    forecast, truth = kept_forecast(opened), truth_of(opened)
    assert forecast is not None
    assert truth is not None
    row = {
        "study": name,
        "low": forecast.wall_seconds.low,
        "median": forecast.wall_seconds.median,
        "high": forecast.wall_seconds.high,
        "wall": truth.wall_seconds,
        "inside": truth.wall_seconds in forecast.wall_seconds,
        "idle_forecast": forecast.idle_share,
        "idle": truth.idle_share,
        "pick_forecast": forecast.first_model_pick,
        "pick": truth.first_model_pick,
        "faults": faults,
        "pace": forecast.basis,
    }
    return {key: round(one, 3) if isinstance(one, float) else one for key, one in row.items()}


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "oneshot_hpo", *words]


def main() -> None:
    """Run the studies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=30.0, help="between two faults")
    parser.add_argument("--only", choices=STUDIES, nargs="+", default=FIVE, help="some of them")
    parser.add_argument("--set", action="append", default=[], help="key=value of every study")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only:
        rows.append(run(arguments.dir, name, arguments.seconds, arguments.set))
        print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), file=sys.stderr)
        with (arguments.dir / "truth.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
