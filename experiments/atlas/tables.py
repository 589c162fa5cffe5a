"""The tables of an atlas: its cells, and better neighbours of each."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from oneshot_hpo.experiments.atlas.entries import Entry
from oneshot_hpo.experiments.atlas.pictures import words
from oneshot_hpo.experiments.atlas.space_map import SpaceMap
from oneshot_hpo.experiments.pages.table import Cell, Column, Row, Table
from oneshot_hpo.experiments.pages.values import NOTHING, share
from oneshot_hpo.experiments.wording import called
from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.search_spaces.choices import PARENTS
from oneshot_hpo.search_spaces.nasbench101.cell import INPUT, OUTPUT
from oneshot_hpo.search_spaces.nasbench101.space import NasBench101Space
from oneshot_hpo.search_spaces.neighbourhood import Neighbour

CELLS = "cells-table"
"""The anchor of the table of cells."""
NEIGHBOURS = 5
"""Number of better neighbours listed for a cell."""


def cells_table(entries: Sequence[Entry]) -> Table:
    """One row per cell of the page; errors in percent, regrets in percentage points."""
    columns = [
        Column("cell", hint="first digits of its hash"),
        Column("why it is here"),
        Column("test", numeric=True, hint="mean test error, in percent"),
        Column("± seeds", numeric=True, hint="deviation of its own repeats, in points"),
        Column("validation", numeric=True, hint="mean validation error, in percent"),
        Column("rank", numeric=True, hint="1 has the lowest mean test error"),
        Column("percentile", numeric=True, hint="share of cells with a higher error, in percent"),
        Column("regret", numeric=True, hint="test error above the lowest, in points"),
        Column("regret / noise", numeric=True, hint="in standard errors of a difference of means"),
        Column("P(best), %", numeric=True, hint="probability of being the best cell, in percent"),
        Column("better neighbours", numeric=True, hint="cells one change away with lower error"),
        Column("parameters", numeric=True),
        Column("operations"),
    ]
    return Table(
        name=CELLS,
        caption="Cells, the best first, errors in percent",
        columns=columns,
        rows=[_row(entry) for entry in entries],
        filtered=True,
    )


def neighbours_table(entry: Entry, linked: dict[int, Entry]) -> Table | None:
    """The best of a cell's better neighbours; None if there is none."""
    space, own = entry.map, entry.number
    better = entry.better[:NEIGHBOURS]
    if not better:
        return None

    rows = []
    for near in better:
        target = linked.get(near.cell)
        gain = float(space.test[own] - space.test[near.cell])
        rows.append(
            Row(
                [
                    Cell(space.hashes[near.cell][:8], link=target.anchor if target else None),
                    share(float(space.test[near.cell])),
                    share(gain),
                    _in_noise(space, gain),
                    Cell(change(space, near), mark="wide"),
                ]
            )
        )
    return Table(
        name=f"neighbours-{space.hashes[own]}",
        caption=f"Better neighbours of cell {entry.name}",
        columns=[
            Column("cell"),
            Column("test", numeric=True, hint="mean test error, in percent"),
            Column("gain", numeric=True, hint="in points"),
            Column("gain / noise", numeric=True, hint="in standard errors of a difference"),
            Column("one change"),
        ],
        rows=rows,
    )


def change(space: SpaceMap, near: Neighbour) -> str:
    """The change that leads to a neighbour, in words."""
    where = space.space
    before, after = where.architecture(near.configuration), where.architecture(near.changed)
    [(choice, old, new)] = [
        three
        for three in zip(where.choices, before.picks, after.picks, strict=True)
        if three[1] != three[2]
    ]
    [gone], [come] = set(old) - set(new), set(new) - set(old)
    if isinstance(where, NasBench101Space) and choice.kind == PARENTS:
        node = where.choices.index(choice) + 1
        return (
            f"edge into {_vertex(where, before, node)} from {_vertex(where, before, come)}, "
            f"not from {_vertex(where, before, gone)}"
        )
    place = "" if isinstance(where, NasBench101Space) else f"{choice.name}: "
    return f"{place}{called(choice.candidates[gone])} becomes {called(choice.candidates[come])}"


def chance_words(chance: float) -> str:
    """A probability in percent, as tables show it."""
    if chance >= 0.1:
        return f"{100 * chance:.0f}"
    return f"{100 * chance:.1f}" if chance >= 0.001 else "<0.1"


def _vertex(space: NasBench101Space, architecture: Architecture, node: int) -> str:
    if node == 0:
        return INPUT
    if node > space.num_blocks:
        return OUTPUT
    return f"{called(space.operation_names(architecture)[node - 1])} (block {node})"


def _operations(space: SpaceMap, number: int) -> str:
    """The operations of a cell that are on a path to its output."""
    [used] = space.space.used_operations(space.first[[number]])
    names = [space.space.operations[place] for place in used if place >= 0]
    return words(names, space.space.operations)


def _parameters(space: SpaceMap, number: int) -> Cell:
    if space.parameters is None:
        return NOTHING
    count = space.parameters[number]
    return Cell(f"{count:,.0f}", float(count))


def _row(entry: Entry) -> Row:
    space, number = entry.map, entry.number
    repeats = space.repeats[number]
    repeats = repeats[~np.isnan(repeats)]
    better, near = len(entry.better), len(entry.neighbours)
    return Row(
        [
            Cell(entry.name, link=entry.anchor),
            Cell("; ".join(entry.reasons)),
            share(float(space.test[number])),
            share(float(repeats.std(ddof=1)) if len(repeats) > 1 else None),
            share(float(space.valid[number])),
            Cell(f"{space.ranks[number]:,}", float(space.ranks[number])),
            _percentile(float(space.percentiles[number])),
            share(float(space.regrets[number])),
            _in_noise(space, float(space.regrets[number])),
            _chance(space, number),
            Cell(f"{better} of {near}", float(better)),
            _parameters(space, number),
            Cell(_operations(space, number)),
        ],
        anchor=entry.row,
    )


def _percentile(value: float) -> Cell:
    # No cell can be at 100, as it is not better than itself.
    return Cell(f"{value:.2f}" if value < 99.995 else ">99.99", value)


def _in_noise(space: SpaceMap, difference: float) -> Cell:
    if space.difference_noise is None:
        return NOTHING
    value = difference / space.difference_noise
    return Cell(f"{value:.1f}", value)


def _chance(space: SpaceMap, number: int) -> Cell:
    if space.chances is None:
        return NOTHING
    chance = float(space.chances[number])
    return Cell(chance_words(chance), chance)
