"""What a table says of its own budgets, and what rests on its imputed numbers.

Two kinds of rows in a CSV file, for each space, over all cells and among the 1,000 best ones:
how a single training of each cell at a budget (its validation error) ranks them as their mean test
error at the largest budget does, which is what any search that looks at that budget can hope for;
and mean validation error at the largest budget, for all cells, those whose validation error is
real, and those where it is imputed.

    python -m oneshot_hpo.experiments.benchmarks.claims.budgets
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from oneshot_hpo import experiments
from oneshot_hpo.experiments.benchmarks.claims.tables import FOLDER
from oneshot_hpo.search_spaces import Table, enumerable, get_space, load_table, space_ids
from oneshot_hpo.search_spaces.table import Origin

RESULTS = Path(experiments.__file__).parent / "results"
NAME = "budgets.csv"
BEST = 1000
COLUMNS = ("table", "space", "cells", "n", "quantity", "epochs", "value")
SINGLE = "spearman of one training's validation error with mean test error"
MEAN = "spearman of mean validation error with mean test error"
REGRET = "test regret in points of the cell with the lowest mean validation error"
IMPUTED = "percent of cells with an imputed validation error"


def main(arguments: Sequence[str] | None = None) -> None:
    """Writes the rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", default="nasbench101")
    parser.add_argument("--space", default="1,2,3", help="with commas")
    parser.add_argument("--out", type=Path, default=RESULTS / FOLDER / NAME)
    given = parser.parse_args(arguments)

    table = load_table(given.table)
    found = [row for space in space_ids(given.space) for row in rows(table, space)]
    given.out.parent.mkdir(exist_ok=True)
    with given.out.open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(found)


def rows(table: Table, space: Any) -> Iterator[dict[str, Any]]:
    """The rows of a space of which the table has every cell."""
    entries = table.entries(enumerable(get_space(space)))
    test = table.mean_errors("test", entries)
    best = np.argsort(test, kind="stable")[:BEST]
    everything = np.arange(len(entries))
    parts = [("all", everything), (f"best {BEST}", best)][: 1 + (len(entries) > BEST)]
    for cells, part in parts:
        for row in _of_part(table, entries[part], test[part], float(test.min())):
            yield {"table": table.name, "space": space, "cells": cells} | row


def _of_part(
    table: Table, entries: NDArray[np.int64], test: NDArray[np.float64], least: float
) -> Iterator[dict[str, Any]]:
    for epochs in table.budgets:
        single = table.errors("valid", entries, epochs)[:, 0]
        yield _row(SINGLE, epochs, len(entries), _spearman(single, test))

    mean = table.mean_errors("valid", entries)
    imputed = table.origin(table.main_metric("valid"), entries) == Origin.IMPUTED
    largest = table.budgets[-1]
    for words, chosen in (("", np.ones(len(test), bool)), (", real", ~imputed)):
        if chosen.sum() > 1:
            own, errors = mean[chosen], test[chosen]
            yield _row(MEAN + words, largest, len(own), _spearman(own, errors))
            regret = 100 * (errors[own.argmin()] - least)
            yield _row(REGRET + words, largest, len(own), regret)
    if imputed.sum() > 1:
        yield _row(
            f"{MEAN}, imputed", largest, int(imputed.sum()), _spearman(mean[imputed], test[imputed])
        )
    yield _row(IMPUTED, largest, len(entries), 100 * imputed.mean())


def _row(quantity: str, epochs: int, n: int, value: float) -> dict[str, Any]:
    return {"quantity": quantity, "epochs": epochs, "n": n, "value": round(float(value), 4)}


def _spearman(x: NDArray[np.float64], y: NDArray[np.float64]) -> float:
    known = ~np.isnan(x)
    return float(stats.spearmanr(x[known], y[known]).statistic)


if __name__ == "__main__":
    main()
