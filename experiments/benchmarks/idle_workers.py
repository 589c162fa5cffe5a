"""What workers do in a study, with and without replicates, on a simulated clock.

    python -m oneshot_hpo.experiments.benchmarks.idle_workers [--workers 4 16 64]
        [--evaluations 300] [--shape paper] [--set KEY=VALUE]

The study, its journal, BOHB and the loop are those of `oneshot-hpo launch`; a trial is a formula.
A row is a study: the shares of worker time, from its start to its end, spent on trials, on
replicates that finished, on replicates that were given up or unfinished at the end, and on nothing.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from oneshot_hpo.cluster.simulated import SimulatedPool
from oneshot_hpo.experiments.benchmarks.instant_trial import instant_trial
from oneshot_hpo.experiments.benchmarks.study_scale import SHAPES, specification
from oneshot_hpo.experiments.study.folder import create_study
from oneshot_hpo.experiments.study.loop import StudyRun
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trial import TrialTask


class Shares(NamedTuple):
    """Shares of the time of all workers."""

    trials: float
    replicates: float
    unfinished: float
    idle: float
    number: int
    """Number of replicates that finished."""


class _Silent:
    """A display that shows nothing."""

    def update(self, study: Any, running: int, workers: str) -> None:
        """As the loop calls it."""

    def say(self, line: str) -> None:
        """As the loop calls it."""


def simulated_pool(workers: int) -> SimulatedPool:
    """Workers on which how long a trial takes follows from its seed, whatever else runs."""
    return SimulatedPool(workers, 0, instant_trial, _seconds, sigma=0)


def _seconds(task: TrialTask) -> float:
    return float(task.budget * np.random.default_rng(task.seed).lognormal(sigma=0.3))


def shares_of(spec: StudySpec, folder: Path) -> Shares:
    """Run a study in a new folder on simulated workers."""
    workers = spec.workers or 1
    pool = simulated_pool(workers)
    with create_study(folder, spec) as study:
        StudyRun(study, spec, folder, _Silent()).run(lambda: pool, workers)  # type: ignore
        trials = {trial.key for trial, _ in study.evaluations}
        replicates = {replicate.key for replicate, _ in study.replicates}
    still = pool.busy_seconds
    busy = {key: pool.worked.get(key, 0.0) + still.get(key, 0.0) for key in {*pool.worked, *still}}

    total = workers * pool.now
    on_trials = sum(busy[key] for key in trials) / total
    on_replicates = sum(busy[key] for key in replicates) / total
    on_all = sum(busy.values()) / total
    unfinished = max(0.0, on_all - on_trials - on_replicates)
    return Shares(on_trials, on_replicates, unfinished, max(0.0, 1 - on_all), len(replicates))


def main() -> None:
    """Print a row for each number of workers, without and with replicates."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[4, 16, 64])
    parser.add_argument("--evaluations", type=int, default=300)
    parser.add_argument("--shape", choices=SHAPES, default="paper")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    arguments = parser.parse_args()

    print("workers  replicates  trials  finished  unfinished  idle  number")
    for workers in arguments.workers:
        for setting in ("none", "report"):
            overrides = [*arguments.set, f"bohb.replicates={setting}"]
            spec = specification(arguments.shape, arguments.evaluations, workers, overrides)
            with tempfile.TemporaryDirectory() as folder:
                found = shares_of(spec, Path(folder) / "study")
            print(
                f"{workers:7}  {setting:10}  {found.trials:6.1%}  {found.replicates:8.1%}  "
                f"{found.unfinished:10.1%}  {found.idle:4.1%}  {found.number:6}"
            )


if __name__ == "__main__":
    main()
