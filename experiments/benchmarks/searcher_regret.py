"""Test regret of the cells that each searcher finds on the digits, beside random cells.

Every searcher with its default settings but for the sizes that the shipped study `quickstart` has
for digits, the same number of epochs for all, seeds 0, 1, ...

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.searcher_regret --processes 2
"""

from __future__ import annotations

import argparse
import dataclasses
import time
from concurrent.futures import ProcessPoolExecutor
from statistics import median, quantiles
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.study.trial import TrialTask, search_cell
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.registry import SEARCHERS

SPACE = 1
SIZES: dict[str, Any] = {
    "channels": 8,
    "stacks": 3,
    "cells_per_stack": 1,
    "batch_size": 50,
    "cutout_length": 4,
}


def main() -> None:
    """Prints a row for each searcher, and one for random cells."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searchers", default=",".join(SEARCHERS))
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--processes", type=int, default=1)
    arguments = parser.parse_args()
    names = arguments.searchers.split(",")
    runs = [(name, seed, arguments.epochs) for name in names for seed in range(arguments.seeds)]

    table = Table(
        "searcher", "median test regret", "quartiles", "median valid. error", "s a search"
    )
    rng = np.random.default_rng(0)
    space = get_space(SPACE)
    random_cells = [
        table_outcome("digits", space, space.sample(rng)) for _ in range(arguments.seeds)
    ]
    table.add_row("random cells", *_columns(random_cells), "")

    with ProcessPoolExecutor(arguments.processes) as pool:
        found = list(pool.map(searched, *zip(*runs, strict=True)))
    for name in names:
        of_name = [row for run, row in zip(runs, found, strict=True) if run[0] == name]
        seconds = median(outcome.seconds or 0.0 for outcome in of_name)
        table.add_row(name, *_columns(of_name), f"{seconds:.0f}")

    console = Console()
    console.print(
        f"digits, space {SPACE}, {arguments.epochs} epochs, {arguments.seeds} seeds, in percent"
    )
    console.print(table)


def searched(name: str, seed: int, epochs: int) -> Outcome:
    """The cell that one search finds, and the seconds that it took."""
    started = time.perf_counter()
    task = TrialTask(
        searcher=name,
        settings=SIZES,
        config={},
        space=SPACE,
        dataset="digits",
        table="digits",
        budget=epochs,
        seed=seed,
        folder=None,
    )
    return dataclasses.replace(search_cell(task), seconds=time.perf_counter() - started)


def _columns(outcomes: list[Outcome]) -> list[str]:
    regrets = [100 * outcome.reported("regret") for outcome in outcomes]
    low, _, high = quantiles(regrets, n=4, method="inclusive")
    valid = median(100 * outcome.reported("valid") for outcome in outcomes)
    return [f"{median(regrets):.2f}", f"{low:.2f} to {high:.2f}", f"{valid:.2f}"]


if __name__ == "__main__":
    main()
