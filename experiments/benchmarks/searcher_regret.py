"""Test regret of the cells that each searcher finds, and how many random trainings that is worth.

Every searcher in space 1 and in NAS-Bench-201, on the shipped tables, whose cells were trained on
the digits: default settings but for the sizes that the shipped studies `quickstart` and
`quickstart-201` have, the same number of epochs for all, seeds 0, 1, ... A searcher is worth n
random trainings if its median regret is that of the best of n random cells, which is computed
exactly: cells drawn uniformly with replacement, the one with the lowest mean validation error of
the table taken. Intervals are 95 % bootstrap intervals. Finished searches are lines of a file, with
the cell that each found: the command can be stopped and run again, and `--table` looks the same
cells up in another table.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.searcher_regret --processes 2
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from oneshot_hpo.experiments.benchmarks.finished_rows import append_row, read_rows
from oneshot_hpo.experiments.errors import is_user_error, one_line
from oneshot_hpo.experiments.numbers.best_of_random import MOST, BestOfRandom
from oneshot_hpo.experiments.objectives.objective import load_images
from oneshot_hpo.experiments.objectives.table_outcome import opened_table
from oneshot_hpo.experiments.study.trial import device_name
from oneshot_hpo.search_spaces import enumerable, get_space
from oneshot_hpo.searchers.registry import SEARCHERS, settings_class
from oneshot_hpo.searchers.search import run_search

SPACE = 1
SIZES: dict[str, Any] = {
    "channels": 8,
    "stacks": 3,
    "cells_per_stack": 1,
    "batch_size": 50,
    "cutout_length": 4,
}
TABLES = {"1": "digits", "nasbench201": "digits-201"}
"""By space, a table of all its cells on the digits; of others, `--table` names one."""
_RESAMPLES = 10_000
_WIDTH = 110  # of the table, in characters: a file has no width, and cut numbers say nothing


class Run(NamedTuple):
    """One search."""

    space: str
    searcher: str
    epochs: int
    seed: int


class Found(NamedTuple):
    """The cell that a search found, as its space writes it, and its processor seconds."""

    cell: dict[str, Any]
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Search what the file lacks, then print a table for each space."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--searchers", default=",".join(SEARCHERS))
    parser.add_argument("--spaces", help="with commas; default: all that have a table")
    parser.add_argument(
        "--table", action="append", default=[], metavar="SPACE=TABLE", help="name or path"
    )
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path("searcher-regret.jsonl"))
    given = parser.parse_args(arguments)

    tables = TABLES | dict(pair.split("=", 1) for pair in given.table)
    names = given.searchers.split(",")
    spaces = given.spaces.split(",") if given.spaces else list(tables)
    try:
        random = {space: RandomTrainings(tables[space], space) for space in spaces}
    except Exception as error:
        if not is_user_error(error):
            raise
        parser.error(one_line(error))
    runs = [
        Run(space, name, given.epochs, seed)
        for seed in range(given.seeds)  # the outermost, so that a part has every searcher
        for space in spaces
        for name in names
    ]

    done, console = read(given.results), Console()
    console.width = max(console.width, _WIDTH)
    left = [run for run in runs if run not in done]
    with ProcessPoolExecutor(given.processes) as pool:
        for future in as_completed([pool.submit(searched, run) for run in left]):
            run, found = future.result()
            append(given.results, run, found)
            done[run] = found
            regret = random[run.space].regret_of(found)
            console.print(f"{run}: regret {100 * regret:.2f} points")

    for space in spaces:
        console.print(f"{space}, table {tables[space]}, {given.epochs} epochs, regret in points")
        table = summary([run for run in runs if run.space == space], done, random[space])
        console.print(table)


def searched(run: Run) -> tuple[Run, Found]:
    """One search."""
    started = time.process_time()
    space = get_space(run.space)
    result = run_search(
        searcher=run.searcher,
        settings=settings_class(run.searcher)(**SIZES),
        space=space,
        data=load_images("digits"),
        epochs=run.epochs,
        seed=run.seed,
        device=device_name(),
    )
    cell = space.to_document(result.architecture)
    return run, Found(cell, time.process_time() - started)


def read(path: Path) -> dict[Run, Found]:
    """Finished searches."""
    return read_rows(path, lambda row: (Run(**row["run"]), Found(**row["found"])))


def append(path: Path, run: Run, found: Found) -> None:
    """Add a finished search."""
    append_row(path, {"run": run._asdict(), "found": found._asdict()})


class RandomTrainings:
    """What the best of n random cells of a space finds: its regret, in [0, 1]."""

    def __init__(self, table: str, space_name: str) -> None:
        self._space, self._table = enumerable(get_space(space_name)), opened_table(table)
        self._table.check_space(self._space)
        rows = self._table.entries(self._space)[self._table.entry_of(self._space)]
        valid, test = (self._table.mean_errors(split, rows) for split in ("valid", "test"))
        self._best = BestOfRandom(valid, test, np.ones(len(rows)))
        self._least = self._table.best(self._space).test_error

    def regret_of(self, found: Found) -> float:
        """The regret of what a search found."""
        row = self._table.row_of(self._space, self._space.from_document(found.cell))
        return float(self._table.mean_errors("test", row)) - self._least

    def regret(self, n: int) -> float:
        """The median regret of the best of n."""
        return self._best.median(n) - self._least

    def mean_regret(self, n: int) -> float:
        """The expected regret of the best of n."""
        return self._best.mean(n) - self._least

    def worth(self, regret: float) -> str:
        """The least n whose median regret is as low."""
        n = self._best.worth(regret + self._least)
        return f"> {MOST}" if n is None else str(n)


def summary(runs: Sequence[Run], done: dict[Run, Found], random: RandomTrainings) -> Table:
    """A row for each searcher of which there are searches."""
    shown = Table("searcher", "seeds", "mean (95 %)", "median (95 %)", "worth (95 %)", "s")
    for name in dict.fromkeys(run.searcher for run in runs):
        found = [done[run] for run in runs if run.searcher == name and run in done]
        if not found:
            continue
        regrets = np.array([random.regret_of(one) for one in found])
        low, high = interval(regrets, np.median)
        shown.add_row(
            name,
            str(len(found)),
            in_points(regrets.mean(), *interval(regrets, np.mean)),
            in_points(median(regrets), low, high),
            f"{random.worth(median(regrets))} ({random.worth(high)} to {random.worth(low)})",
            f"{median(one.seconds for one in found):.0f}",
        )
    for count in (1, 5, 10, 20, 50):
        mean, middle = 100 * random.mean_regret(count), 100 * random.regret(count)
        shown.add_row(f"best of {count}", "", f"{mean:.1f}", f"{middle:.1f}", "", "")
    return shown


def in_points(value: float, low: float, high: float) -> str:
    """A regret with its interval, in percentage points."""
    return f"{100 * value:.1f} ({100 * low:.1f} to {100 * high:.1f})"


def interval(values: np.ndarray, statistic: Callable[..., Any]) -> tuple[float, float]:
    """The 95 % bootstrap interval of a mean or a median."""
    drawn = np.random.default_rng(0).choice(values, (_RESAMPLES, len(values)))
    drawn = statistic(drawn, axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


if __name__ == "__main__":
    main()
