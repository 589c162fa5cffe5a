"""Prints comparisons: a table per space, a sentence per comparison."""

from __future__ import annotations

from functools import partial

import numpy as np
from rich.console import Console

from oneshot_hpo.experiments.compare.comparing import SEED, Space
from oneshot_hpo.experiments.compare.statistics import median_interval
from oneshot_hpo.experiments.compare.units import interval, points, unit
from oneshot_hpo.experiments.compare.wording import heading, sentences
from oneshot_hpo.experiments.terminal.hints import say, say_paragraph
from oneshot_hpo.experiments.terminal.tables import print_table


def print_spaces(console: Console, spaces: list[Space]) -> None:
    """Print the table, comparisons and notes of each space."""
    for space in spaces:
        _print_table(console, space)
        for pairing in space.pairings:
            say_paragraph(console, sentences(space, pairing))
            say(console, "")
        for note in space.notes:
            say(console, f"note: {note}")


def _print_table(console: Console, space: Space) -> None:
    has_crashes = any(sample.crashed for sample in space.samples)
    rows = []
    for sample in space.samples:
        shown = partial(points, measure=sample.measure)
        bounds = median_interval(sample.values, np.random.default_rng(SEED))
        row = (
            space.name(sample),
            str(len(sample.values)),
            shown(float(np.median(sample.values))),
            interval(bounds, sample.measure),
            "" if np.isnan(sample.mean) else shown(sample.mean),
            "" if np.isnan(sample.deviation) else shown(sample.deviation),
        )
        rows.append((*row, str(sample.crashed or "")) if has_crashes else row)

    words = unit(space.samples[0].measure)
    headings = ("", "seeds", "median", "95 % interval", "mean", "deviation")
    print_table(
        console,
        (*headings, "crashed") if has_crashes else headings,
        [rows],
        title=heading(space) + (f", in {words}" if words else ""),
    )
