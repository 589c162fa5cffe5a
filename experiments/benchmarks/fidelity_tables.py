"""What pilots of a few cells say of budgets, beside all other cells of a table.

A pilot is what `analyze fidelity` makes of restarted trials: cells drawn at random, one training of
each at every budget. Over many pilots: how often the ranks at a budget are shown to say anything of
those at the largest one, and which smallest budget is named. Beside it: the rank correlation over
held-out cells, which are in no pilot. A table has no checkpoints: whether promoted trials should
continue it cannot say.

    python -m oneshot_hpo.experiments.benchmarks.fidelity_tables --table nasbench101 --space 1,2,3
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from oneshot_hpo.experiments.numbers.rank_correlation import RankCorrelation, rank_correlation
from oneshot_hpo.experiments.numbers.rung_agreement import RungAgreement
from oneshot_hpo.experiments.terminal.tables import print_table
from oneshot_hpo.search_spaces import Table, enumerable, get_space, load_table

Errors = NDArray[np.float64]


def main() -> None:
    """Prints a row for each space, size of pilots and budget."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", default="nasbench101")
    parser.add_argument("--space", default="1,2,3", help="with commas")
    parser.add_argument("--budgets", help="with commas; default: all of the table's")
    parser.add_argument("--sizes", default="12,24,48", help="cells of a pilot, with commas")
    parser.add_argument("--pilots", type=int, default=200)
    parser.add_argument("--held-out", type=int, default=5000, help="other cells, at most")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()

    table = load_table(arguments.table)
    budgets = _numbers(arguments.budgets) if arguments.budgets else list(table.budgets)
    rows: list[list[str]] = []
    for name in arguments.space.split(","):
        rng = np.random.default_rng([arguments.seed, len(rows)])
        errors = trained(table, name, budgets, rng)
        for size in _numbers(arguments.sizes):
            rows += _rows(name, errors, budgets, size, arguments, rng)
    header = ["space", "cells", "budget", "held out", "median of pilots", "shown", "smallest"]
    print_table(Console(), header, [rows])


def trained(
    table: Table, space: str, budgets: Sequence[int], rng: np.random.Generator
) -> dict[int, Errors]:
    """By budget, the validation error of one training of each cell of a space, (E,).

    Of the largest budget a second one, under the key 0, which ranks are compared with.
    """
    entries = table.entries(enumerable(get_space(int(space) if space.isdecimal() else space)))
    found = {}
    for budget in (*budgets, 0):
        repeats = table.errors("valid", entries, budget or budgets[-1])
        chosen = rng.integers(repeats.shape[1] - 1, size=len(entries))
        # The last repeat of the largest budget is kept for the comparison.
        place = np.full(len(entries), repeats.shape[1] - 1) if budget == 0 else chosen
        found[budget] = repeats[np.arange(len(entries)), place]
    return found


def agreements(
    errors: dict[int, Errors], budgets: Sequence[int], cells: NDArray[np.int64]
) -> list[RungAgreement]:
    """Of each budget below the largest with the largest, over these cells."""
    return [
        RungAgreement(budget, rank_correlation(errors[budget][cells], errors[0][cells]))
        for budget in budgets[:-1]
    ]


def smallest(rungs: Sequence[RungAgreement]) -> int | float | None:
    """The smallest budget whose ranks are shown to say something; None: none below the largest."""
    return next((rung.budget for rung in rungs if rung.is_shown), None)


def _rows(
    name: str,
    errors: dict[int, Errors],
    budgets: Sequence[int],
    size: int,
    arguments: argparse.Namespace,
    rng: np.random.Generator,
) -> list[list[str]]:
    order = rng.permutation(len(errors[0]))
    half = len(order) // 2
    held_out = agreements(errors, budgets, order[half : half + arguments.held_out])
    pilots = [
        agreements(errors, budgets, rng.choice(order[:half], size, replace=False))
        for _ in range(arguments.pilots)
    ]
    named = Counter(smallest(pilot) for pilot in pilots)
    return [
        [
            name,
            str(size),
            f"{rung.budget:g}",
            _words(rung.correlation),
            f"{np.median([pilot[place].correlation.rho for pilot in pilots]):.2f}",
            f"{np.mean([pilot[place].is_shown for pilot in pilots]):.0%}",
            f"{named[rung.budget] / len(pilots):.0%}",
        ]
        for place, rung in enumerate(held_out)
    ]


def _words(correlation: RankCorrelation) -> str:
    return f"{correlation.rho:.2f} (n = {correlation.n})"


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


if __name__ == "__main__":
    main()
