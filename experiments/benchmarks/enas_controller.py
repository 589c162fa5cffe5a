"""ENAS's controller by the text of its paper and by its authors' code, on digits.

They differ in the weight of the entropy (0.1, 1e-4) and in Adam's step (3.5e-4, 3.5e-3). The text
says nothing of Adam's other numbers: torch's are beta1 0.9 and epsilon 1e-8, the code's 0 and
1e-3. All eight combinations search at the sizes of the shipped study `quickstart`, with seeds 0,
1, ... Each search is a line of the file RUNS; the same command continues after a stop.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.enas_controller RUNS
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from statistics import quantiles
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from oneshot_hpo.experiments.benchmarks.finished_rows import append_row, read_rows
from oneshot_hpo.experiments.benchmarks.searcher_regret import SIZES, SPACE
from oneshot_hpo.experiments.study.trial import TrialTask, search_cell

ADAM = {
    "torch": {"controller_beta1": 0.9, "controller_epsilon": 1e-8},
    "code": {"controller_beta1": 0.0, "controller_epsilon": 1e-3},
}


class Run(NamedTuple):
    """One search: its controller's settings, its seed and its length."""

    entropy_weight: float
    arch_learning_rate: float
    adam: str
    seed: int
    epochs: int

    @property
    def settings(self) -> dict[str, Any]:
        """Of the search."""
        own = {
            "entropy_weight": self.entropy_weight,
            "arch_learning_rate": self.arch_learning_rate,
        }
        return SIZES | own | ADAM[self.adam]


def main(arguments: Sequence[str] | None = None) -> None:
    """Search what the file lacks, then print a row for each combination."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args(arguments)

    runs = planned(given.seeds, given.epochs)
    done = read(given.file)
    left = [run for run in runs if run not in done]
    console = Console()
    with ProcessPoolExecutor(given.processes) as pool:
        for future in as_completed([pool.submit(searched, run) for run in left]):
            run, regret, seconds = future.result()
            append(given.file, run, regret, seconds)
            done[run] = regret
            console.print(f"{len(done)} of {len(runs)}: {run}, regret {100 * regret:.2f} points")
    console.print(table(runs, done))


def planned(seeds: int, epochs: int) -> list[Run]:
    """All runs, seed by seed, so that a part of them has every combination."""
    combinations = itertools.product(range(seeds), (0.1, 1e-4), (3.5e-4, 3.5e-3), ADAM)
    return [Run(weight, rate, adam, seed, epochs) for seed, weight, rate, adam in combinations]


def searched(run: Run) -> tuple[Run, float, float]:
    """A search, the test regret of its cell in [0, 1], and its processor seconds."""
    started = time.process_time()
    task = TrialTask(
        searcher="enas",
        settings=run.settings,
        config={},
        space=SPACE,
        dataset="digits",
        table="digits",
        budget=run.epochs,
        seed=run.seed,
        folder=None,
    )
    regret = search_cell(task).reported("regret")
    return run, regret, time.process_time() - started


def read(path: Path) -> dict[Run, float]:
    """The regrets of finished searches."""
    return read_rows(path, lambda row: (Run(**row["run"]), float(row["regret"])))


def append(path: Path, run: Run, regret: float, seconds: float) -> None:
    """Add a finished search."""
    append_row(path, {"run": run._asdict(), "regret": regret, "seconds": round(seconds, 2)})


def table(runs: Iterable[Run], done: dict[Run, float]) -> Table:
    """Regrets by combination, and the differences from the first one at the same seeds."""
    shown = Table(
        *("entropy weight", "Adam's step", "Adam", "seeds", "median regret", "quartiles"),
        "mean difference from the first (95 %)",
    )
    combinations: dict[tuple[Any, ...], dict[int, float]] = {}
    for run in runs:
        if run in done:
            combinations.setdefault(run[:3], {})[run.seed] = 100 * done[run]
    first = next(iter(combinations.values()), {})
    for (weight, rate, adam), regrets in combinations.items():
        low, middle, high = _quartiles(list(regrets.values()))
        shown.add_row(
            *(f"{weight:g}", f"{rate:g}", adam, str(len(regrets)), f"{middle:.2f}"),
            f"{low:.2f} to {high:.2f}",
            _difference([regrets[s] - first[s] for s in regrets if s in first]),
        )
    return shown


def _quartiles(values: list[float]) -> list[float]:
    return quantiles(values, n=4, method="inclusive") if len(values) > 1 else 3 * values


def _difference(values: list[float]) -> str:
    """The mean of paired differences, with its interval by the percentiles of a bootstrap."""
    if len(values) < 2:
        return ""
    drawn = np.random.default_rng(0).choice(values, (9999, len(values))).mean(1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return f"{np.mean(values):+.2f} ({low:+.2f} to {high:+.2f})"


if __name__ == "__main__":
    main()
