"""How `objective: train` ranks cells of space 1 on the digits, beside the table's ranks.

Cells are drawn at random. Each is trained from scratch with the settings of the table, once a seed;
its loss is compared with the table's mean errors by Spearman's rank correlation. Beside it: how the
table's own repeats rank the same cells, one repeat against the mean of the others. Finished cells
are lines of the file, so that the same command continues one that was stopped.

    OMP_NUM_THREADS=1 python -m oneshot_hpo.experiments.benchmarks.objective_ranks --cells 200 \\
        --processes 2 --out ranks.jsonl
"""

from __future__ import annotations

import argparse
import json
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from oneshot_hpo.experiments.numbers.rank_correlation import RankCorrelation, rank_correlation
from oneshot_hpo.experiments.objectives.objective import Found, objective_of
from oneshot_hpo.search_spaces import enumerable, get_space, load_table

SPACE, DATASET, TABLE = 1, "digits", "digits"


def main() -> None:
    """Trains the cells that the file lacks, and prints the correlations."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=4, help="of the table: 4")
    parser.add_argument("--seeds", type=int, default=1, help="trainings of a cell")
    parser.add_argument("--seed", type=int, default=0, help="of the drawing of cells")
    parser.add_argument("--processes", type=int, default=1)
    parser.add_argument("--out", type=Path, required=True, help="a file of finished cells")
    arguments = parser.parse_args()

    section = {"train": {"epochs": arguments.epochs, "seeds": arguments.seeds}}
    numbers = drawn(arguments.cells, arguments.seed)
    train_missing(section, numbers, arguments.out, arguments.processes)
    losses = finished(section, arguments.out)
    print_correlations(Console(), numbers, np.array([losses[number] for number in numbers]))


def drawn(count: int, seed: int) -> list[int]:
    """Different cells of the space, each by the lowest number of its configurations."""
    first = enumerable(get_space(SPACE)).unique.first
    chosen = np.random.default_rng(seed).permutation(len(first))[:count]
    return [int(first[place]) for place in chosen]


def train_missing(section: dict[str, Any], numbers: list[int], out: Path, processes: int) -> None:
    """Append a line for each cell that the file lacks."""
    losses = finished(section, out)
    missing = [number for number in numbers if number not in losses]
    with ProcessPoolExecutor(processes) as pool, out.open("a") as file:
        tasks = {pool.submit(loss_of, section, number): number for number in missing}
        for task in as_completed(tasks):
            line = {"objective": section, "configuration": tasks[task], "loss": task.result()}
            file.write(json.dumps(line) + "\n")
            file.flush()


def finished(section: dict[str, Any], out: Path) -> dict[int, float]:
    """The losses in the file, by cell."""
    if not out.exists():
        return {}
    rows = map(json.loads, out.read_text().splitlines())
    return {row["configuration"]: row["loss"] for row in rows if row["objective"] == section}


def loss_of(section: dict[str, Any], number: int) -> float:
    """The loss of one cell; its seed is its number, as every trial has a seed of its own."""
    space = enumerable(get_space(SPACE))
    found = Found(space=space, architecture=space.architecture(number), table=None, dataset=DATASET)
    loss = objective_of(section).evaluate(found, number, lambda: False).loss
    assert loss is not None
    return loss


def print_correlations(console: Console, numbers: list[int], losses: np.ndarray) -> None:
    """Of the losses with the table's means, and of the table's repeats with each other."""
    space, table = enumerable(get_space(SPACE)), load_table(TABLE)
    rows = np.array([table.row_of(space, space.architecture(number)) for number in numbers])
    repeats = table.errors("valid", rows)
    others = [repeats[:, np.arange(repeats.shape[1]) != k].mean(1) for k in range(repeats.shape[1])]
    own = [rank_correlation(repeats[:, k], other) for k, other in enumerate(others)]

    console.print(f"{len(numbers)} cells of space {SPACE} on {DATASET}, Spearman's correlation:")
    for split, words in (("valid", "validation"), ("test", "test")):
        found = rank_correlation(losses, table.mean_errors(split, rows))
        console.print(f"  objective train with the table's mean {words} error: {_text(found)}")
    for k, found in enumerate(own):
        console.print(f"  repeat {k} of the table with the mean of its others: {_text(found)}")


def _text(found: RankCorrelation) -> str:
    return f"{found.rho:.2f} (95 % interval {found.low:.2f} to {found.high:.2f})"


if __name__ == "__main__":
    main()
