"""A comparison on the terminal: a table a space, a sentence a comparison."""

from __future__ import annotations

import numpy as np
from rich.console import Console
from rich.table import Table
from rich.text import Text

from oneshot_hpo.experiments.compare.comparing import SEED, Space
from oneshot_hpo.experiments.compare.statistics import median_interval
from oneshot_hpo.experiments.compare.wording import interval, points, sentences


def print_spaces(console: Console, spaces: list[Space]) -> None:
    """Print all of it."""
    for space in spaces:
        console.print(_table(space))
        for pairing in space.pairings:
            console.print(sentences(space, pairing), markup=False)
            console.print()
        for note in space.notes:
            console.print(f"note: {note}", markup=False, soft_wrap=True)


def _table(space: Space) -> Table:
    has_crashes = any(sample.crashed for sample in space.samples)
    table = Table(
        title=f"test regret in space {space.number}, table {space.samples[0].table}, "
        "in percentage points",
        title_justify="left",
    )
    table.add_column("", overflow="fold")
    for heading in ("seeds", "median", "95 % interval", "mean", "deviation"):
        table.add_column(heading, justify="right")
    if has_crashes:
        table.add_column("crashed", justify="right")
    for sample in space.samples:
        row: list[str | Text] = [
            Text(space.name(sample)),
            str(len(sample.regrets)),
            points(float(np.median(sample.regrets))),
            interval(median_interval(sample.regrets, np.random.default_rng(SEED))),
            points(sample.mean),
            "" if np.isnan(sample.deviation) else points(sample.deviation),
        ]
        table.add_row(*row, *([str(sample.crashed or "")] if has_crashes else []))
    return table
