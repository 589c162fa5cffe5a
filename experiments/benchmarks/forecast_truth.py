"""Forecasts beside what studies took: five studies on digits, on this machine.

    python -m oneshot_hpo.experiments.benchmarks.forecast_truth --dir DIR [--seconds 30]

Each is forecast with a measured epoch, launched with that forecast, and read again. In the last one
a worker is killed every SECONDS seconds, and the forecast knows that rate. DIR gets `truth.csv`.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil

from oneshot_hpo.experiments.forecast.kept import kept_forecast, truth_of
from oneshot_hpo.experiments.study.opened import OpenedStudy

STUDIES: dict[str, tuple[str, ...]] = {
    "one-worker": ("--workers", "1"),
    "two-workers": ("--workers", "2"),
    "gdas": ("--workers", "2", "--set", "searcher=gdas"),
    "long": ("--workers", "2", "--set", "max_budget=24", "--set", "seed=1"),
    "killed": ("--workers", "2", "--set", "cluster.max_attempts=10"),
}


def run(folder: Path, name: str, kill_seconds: float | None) -> dict[str, Any]:
    """Forecast, launch and score a study; with kill_seconds a worker is killed so often."""
    folder.mkdir(parents=True, exist_ok=True)
    study = ("quickstart", *STUDIES[name])
    rate = () if kill_seconds is None else ("--losses", str(3600 / kill_seconds / 2))
    kept = folder / f"{name}.json"
    with kept.open("w") as file:
        subprocess.run(_command("forecast", *study, *rate, "--json"), stdout=file, check=True)

    launch = _command("launch", *study, "--dir", str(folder / name), "--forecast", str(kept))
    with (folder / f"{name}.log").open("w") as log:
        master = subprocess.Popen(launch, stdout=log, stderr=log)
        while master.poll() is None:
            try:
                master.wait(kill_seconds)
            except subprocess.TimeoutExpired:
                _kill_a_worker(master.pid)
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
        "losses": len(opened.view.retries),
    }
    return {key: round(one, 3) if isinstance(one, float) else one for key, one in row.items()}


def _command(*words: str) -> list[str]:
    return [sys.executable, "-m", "oneshot_hpo", *words]


def _kill_a_worker(master: int) -> None:
    """Kill the process below the master's that has computed most."""
    found = psutil.Process(master).children(recursive=True)
    if found:
        max(found, key=lambda one: one.cpu_times().user).kill()


def main() -> None:
    """Run the five studies."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=30.0, help="between two kills")
    parser.add_argument("--only", choices=STUDIES, help="one of the studies")
    arguments = parser.parse_args()
    rows = []
    for name in [arguments.only] if arguments.only else STUDIES:
        rows.append(run(arguments.dir, name, arguments.seconds if name == "killed" else None))
        print("  ".join(f"{key} {value}" for key, value in rows[-1].items()), file=sys.stderr)
        with (arguments.dir / "truth.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
