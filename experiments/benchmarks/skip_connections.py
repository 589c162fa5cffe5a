"""Whether the skip connection takes over: DARTS and GDAS in NAS-Bench-201 on CIFAR-10.

Dong and Yang (ICLR 2020, section 4) found that first-order DARTS ends in cells of skip connections
alone, 54.30 % accurate on the test images, and GDAS in cells of about 93.5 %. Here both search at a
size that a core can do: 10,000 images of 16 x 16 pixels, 8 channels, one cell a stack, otherwise
default settings. Printed are the share of skip connections in the cell that the searches would end
with after an epoch, and what NAS-Bench-201 says of the cells that they end with.

Finished searches are lines of OUT/searches.jsonl, an unfinished one is a folder of OUT: the
command can be stopped at any time and run again.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.skip_connections OUT
"""

from __future__ import annotations

import argparse
import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console
from rich.table import Table

from oneshot_hpo.experiments.benchmarks.finished_rows import append_row, read_rows
from oneshot_hpo.experiments.objectives.objective import load_images
from oneshot_hpo.experiments.objectives.table_outcome import opened_table
from oneshot_hpo.experiments.study.trial import device_name
from oneshot_hpo.search_spaces.nasbench201.space import NASBENCH201, SKIP
from oneshot_hpo.search_spaces.table import Table as CellTable
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.search import run_search

SIZES: dict[str, Any] = {
    "image_size": 16,
    "train_share": 0.2,  # of 25,000 images for the weights, and of as many for the architecture
    "channels": 8,
    "stacks": 3,
    "cells_per_stack": 1,
}
RATES: dict[str, dict[str, Any]] = {
    "default": {},
    "scaled": {"arch_learning_rate": "scaled"},
}
"""Settings by the name of the architecture's learning rate. A search of 50 epochs makes 2,600 steps
here, a fifth of the 13,000 for which the default is meant: `scaled` makes up for that."""
SHOWN = (1, 5, 10, 20, 30, 40, 50)
"""The epochs whose shares are printed, and the last one."""
_WIDTH = 110  # of the table, in characters: a file has no width, and cut numbers say nothing


class Run(NamedTuple):
    """One search; rate is a name in RATES."""

    searcher: str
    rate: str
    epochs: int
    seed: int


class Found(NamedTuple):
    """The cell after each epoch, as its space writes it, and whether the search ended undecided."""

    cells: list[str]
    undecided: bool


def main(arguments: Sequence[str] | None = None) -> None:
    """Search what OUT lacks, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, metavar="OUT")
    parser.add_argument("--searchers", default="darts,gdas")
    parser.add_argument("--rates", default="default", help=f"with commas: {', '.join(RATES)}")
    parser.add_argument("--dataset", default="cifar10")
    parser.add_argument("--table", default="nasbench201:cifar10")
    parser.add_argument("--epochs", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args(arguments)

    table = opened_table(given.table)
    given.out.mkdir(parents=True, exist_ok=True)
    file, console = given.out / "searches.jsonl", Console()
    console.width = max(console.width, _WIDTH)
    runs = [
        Run(searcher, rate, given.epochs, seed)
        for rate in given.rates.split(",")
        for seed in range(given.seeds)
        for searcher in given.searchers.split(",")
    ]

    done = read(file)
    for run in runs:
        if run not in done:
            done[run] = searched(run, given.dataset, given.out)
            append(file, run, done[run])
            shutil.rmtree(folder_of(run, given.out))
            console.print(f"{run}: {done[run].cells[-1]}", markup=False)

    console.print(f"{given.epochs} epochs, {given.seeds} seeds, {SIZES}")
    console.print(summary(runs, done, table))


def searched(run: Run, dataset: str, out: Path) -> Found:
    """A search, continued where it was stopped."""
    result = run_search(
        searcher=run.searcher,
        settings=settings_class(run.searcher)(**SIZES | RATES[run.rate]),
        space=NASBENCH201,
        data=load_images(dataset),
        epochs=run.epochs,
        seed=run.seed,
        folder=folder_of(run, out),
        device=device_name(),
    )
    cells = [record.architecture for record in result.trajectory]
    return Found([NASBENCH201.text(cell) for cell in cells if cell is not None], result.undecided)


def folder_of(run: Run, out: Path) -> Path:
    """Where an unfinished search has its checkpoint."""
    return out / "-".join(map(str, run))


def read(file: Path) -> dict[Run, Found]:
    """Finished searches."""
    return read_rows(file, lambda row: (Run(**row["run"]), Found(**row["found"])))


def append(file: Path, run: Run, found: Found) -> None:
    """Add a finished search."""
    append_row(file, {"run": run._asdict(), "found": found._asdict()})


def skip_share(cell: str) -> float:
    """The share of a cell's edges that are skip connections, loose ends included."""
    return float(np.mean([name == SKIP for name in NASBENCH201.names(NASBENCH201.parse(cell))]))


def test_accuracy(cell: str, table: CellTable) -> float:
    """Of a cell trained alone, the mean of its runs, in percent."""
    row = table.row_of(NASBENCH201, NASBENCH201.parse(cell))
    return 100 - 100 * float(table.mean_errors("test", row))


def summary(runs: Sequence[Run], done: dict[Run, Found], table: CellTable) -> Table:
    """A row for each searcher and rate."""
    epochs = runs[0].epochs
    shown_epochs = [epoch for epoch in SHOWN if epoch < epochs] + [epochs]
    shown = Table(
        *("searcher", "rate", "seeds"),
        *(f"skips, {epoch}" for epoch in shown_epochs),
        *("test accuracy", "of each seed", "undecided"),
    )
    for searcher, rate in dict.fromkeys(run[:2] for run in runs):
        found = [done[run] for run in runs if run[:2] == (searcher, rate)]
        shares = np.array([[skip_share(cell) for cell in one.cells] for one in found])
        accuracies = [test_accuracy(one.cells[-1], table) for one in found]
        shown.add_row(
            *(searcher, rate, str(len(found))),
            *(f"{100 * shares[:, epoch - 1].mean():.0f} %" for epoch in shown_epochs),
            f"{mean(accuracies):.2f}",
            " ".join(f"{accuracy:.1f}" for accuracy in accuracies),
            str(sum(one.undecided for one in found)),
        )
    return shown


if __name__ == "__main__":
    main()
