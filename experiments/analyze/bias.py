"""`oneshot-hpo analyze bias`: which cells a supernet prefers beyond what the table gives them.

Zhang et al., How Does Supernet Help in Neural Architecture Search? (2021, section 4.2): ranks by
number of parameters, by supernet and by table, and groups of cells with each operation at each
place. A group's rank is the mean percentile of its accuracy among the cells of all groups.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.analyze.inputs import pair_notes, search_settings, table_and_space
from oneshot_hpo.experiments.analyze.plan import SupernetOptions, SupernetPlan
from oneshot_hpo.experiments.analyze.publishing import AnalysisReport, publish
from oneshot_hpo.experiments.analyze.ranks import (
    Array,
    Estimate,
    estimate,
    interval_words,
    percentiles,
    resamples,
    spearman,
)
from oneshot_hpo.experiments.analyze.sample import (
    grouped_configurations,
    sample_of,
    shared_sample,
)
from oneshot_hpo.search_spaces import SpaceId, heading_of
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

NAME = "bias"
_COLOURS = dict(zip(OPERATIONS, ("#0072b2", "#56b4e9", "#e69f00"), strict=True))
_OTHERS = ("#0072b2", "#56b4e9", "#e69f00", "#009e73", "#cc79a7", "#d55e00", "#000000", "#767676")
"""Colours of operations of other spaces."""
_MARKERS = "os^Dv<>P"


@dataclass(frozen=True)
class SizeBias:
    """Spearman's correlations of cells' parameters, supernet accuracy and table accuracy."""

    parameters_supernet: Estimate
    parameters_table: Estimate
    supernet_table: Estimate
    excess: Estimate
    """The first less the second: above 0, the supernet follows size more than the table does."""


@dataclass(frozen=True)
class OperationBias:
    """Ranks of the cells with an operation at a choice block, or at any of them (block 0)."""

    block: int
    operation: str
    cells: int
    table: float
    """Mean percentile of their accuracy by the table, 0 to 100."""
    supernet: float
    excess: Estimate
    """Percentile by the supernet less that by the table."""


def analyse_bias(
    console: Console, options: SupernetOptions, *, space: SpaceId, searcher: str, epochs: int
) -> AnalysisReport:
    """Train supernets, score a sample of cells and groups of cells, and publish both biases.

    UserError, or another of this project's errors: bad input; nothing is written then.
    """
    settings = search_settings(searcher, options.dataset, options.overrides)
    table, search_space = table_and_space(options.table, space)
    sample = shared_sample(table, search_space, options.cells, options.seed)
    per_group = max(
        1, len(sample) // (len(search_space.operation_choices) * len(search_space.operations))
    )
    rng = np.random.default_rng([options.seed, search_space.entropy, 3])
    groups = grouped_configurations(search_space, per_group, rng)
    grouped = sample_of(table, search_space, np.concatenate(list(groups.values())))

    plan = SupernetPlan(options)
    supernets = plan.supernets(searcher, settings, space, epochs)
    plan.add(supernets, epochs, sample)
    plan.add(supernets, epochs, grouped)

    with plan.run(console):
        rng = np.random.default_rng([options.seed, search_space.entropy, 2])
        weights = resamples(len(sample), rng)
        by_size = plan.scores(supernets, epochs, sample)
        size = size_bias(by_size, sample.test_errors, sample.parameters, weights)

        members = {key: np.searchsorted(grouped.configurations, own) for key, own in groups.items()}
        by_group = plan.scores(supernets, epochs, grouped)
        operations = operation_bias(by_group, grouped.test_errors, members, rng)

        title = f"{heading_of(space)}, {searcher} after {epochs} epochs"
        return publish(
            options.folder / NAME,
            rows(space, searcher, epochs, len(sample), size, operations),
            lambda: draw(title, len(sample), size, operations),
            [*pair_notes(options.dataset, options.table), *sentences(title, size, operations)],
        )


def size_bias(
    scores: Sequence[Array],
    errors: Array,
    parameters: Array,
    weights: Array,
) -> SizeBias:
    """From each supernet's scores (n,), the table's errors (n,), parameters (n,), resamples."""

    def of_table(_: int, w: Array | None) -> Array:
        return spearman(parameters, -errors, w)

    def of_supernet(i: int, w: Array | None) -> Array:
        return spearman(parameters, -scores[i], w)

    def both(i: int, w: Array | None) -> Array:
        return spearman(scores[i], errors, w)

    def excess(i: int, w: Array | None) -> Array:
        return of_supernet(i, w) - of_table(i, w)

    statistics = ((of_supernet, 1), (of_table, 1), (both, 1), (excess, 2))
    return SizeBias(*(estimate(s, len(scores), weights, limit) for s, limit in statistics))


def operation_bias(
    scores: Sequence[Array],
    errors: Array,
    groups: Mapping[tuple[int, str], NDArray[np.int64]],
    rng: np.random.Generator,
) -> list[OperationBias]:
    """The bias for each group, then for each operation at any block.

    scores: of each supernet (n,), errors (n,); groups: by block and operation, rows of both.
    """
    by_table = percentiles(-errors)
    by_supernet = [percentiles(-score) for score in scores]
    merged = dict(groups)
    for operation in dict.fromkeys(operation for _, operation in groups):
        of_operation = [rows for (_, name), rows in groups.items() if name == operation]
        merged[0, operation] = np.unique(np.concatenate(of_operation))
    found = []
    for (block, operation), rows in merged.items():
        gains = [own[rows] - by_table[rows] for own in by_supernet]
        weights = resamples(len(rows), rng)

        def mean(i: int, w: Array | None, gains: list[Array] = gains) -> Array:
            found: Array = gains[i].mean(keepdims=True) if w is None else w @ gains[i] / w.shape[1]
            return found

        found.append(
            OperationBias(
                block,
                operation,
                len(rows),
                float(by_table[rows].mean()),
                float(np.mean([own[rows].mean() for own in by_supernet])),
                estimate(mean, len(scores), weights, limit=100),
            )
        )
    return found


def rows(
    space: SpaceId,
    searcher: str,
    epochs: int,
    cells: int,
    size: SizeBias,
    operations: Sequence[OperationBias],
) -> list[dict[str, Any]]:
    """A row for each number with its interval, for the CSV."""
    common = {"space": space, "searcher": searcher, "epochs": epochs}
    table = []
    for name, value in vars(size).items():
        table.append(common | _row(f"spearman {name.replace('_', ', ')}", "", "", cells, value))
    for one in operations:
        row = _row(
            "percentile by supernet less by table",
            one.block or "any",
            one.operation,
            one.cells,
            one.excess,
        )
        table.append(common | row | {"supernet": one.supernet, "table": one.table})
    return table


def sentences(title: str, size: SizeBias, operations: Sequence[OperationBias]) -> list[str]:
    """The bias towards large cells, then towards each operation."""
    verdict = {
        1: "the supernet's ranks follow size more than the table's do",
        0: "that the supernet's ranks follow size more, or less, than the table's is not shown",
        -1: "the supernet's ranks follow size less than the table's do",
    }[size.excess.sign]

    lines = [
        f"{title}: Spearman's correlation of parameters and supernet accuracy is "
        f"{size.parameters_supernet}, of parameters and table accuracy {size.parameters_table}, of "
        f"the two accuracies {size.supernet_table}; the first less the second is {size.excess} "
        f"({interval_words(size.excess.supernets)}): {verdict}."
    ]

    for one in operations:
        if one.block:
            continue
        what = {1: "ranked too high", 0: "a bias is not shown", -1: "ranked too low"}
        own = [other for other in operations if other.block and other.operation == one.operation]

        places = {
            word: [str(other.block) for other in own if other.excess.sign == sign]
            for sign, word in ((1, "too high"), (-1, "too low"))
        }
        blocks = [f"{word} at block {', '.join(found)}" for word, found in places.items() if found]
        detail = "; ".join(blocks) or "shown at no single block"

        lines.append(
            f"Cells with {_short(one.operation)} are at percentile {one.supernet:.1f} by the "
            f"supernet and {one.table:.1f} by the table, {_points(one.excess)}: "
            f"{what[one.excess.sign]} ({detail})."
        )
    return lines


def draw(title: str, cells: int, size: SizeBias, operations: Sequence[OperationBias]) -> Figure:
    """Correlations on the left, the excess of each operation at each block on the right."""
    from oneshot_hpo.experiments.figures.style import GREY, new_figure

    figure = new_figure(2.9)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
    bars = [
        ("parameters,\nsupernet", size.parameters_supernet),
        ("parameters,\ntable", size.parameters_table),
        ("supernet,\ntable", size.supernet_table),
    ]
    for place, (_, value) in enumerate(bars):
        left.bar(place, value.value, color="#9ecae9", width=0.6)
        left.plot([place, place], [value.low, value.high], color="black", linewidth=1.2)
        left.text(place + 0.06, value.value, f" {value.value:.2f}", va="bottom", fontsize=7)
    left.set_xticks(range(len(bars)), [name for name, _ in bars])
    left.axhline(0, color=GREY, linewidth=0.7)
    left.set_title(f"Spearman's ρ of {cells} cells, 95 %")

    names = list(dict.fromkeys(one.operation for one in operations))
    blocks = sorted({one.block for one in operations} - {0})
    shown = {block: place for place, block in enumerate([*blocks, 0])}
    step = 0.66 / len(names)
    for number, name in enumerate(names):
        own = [one for one in operations if one.operation == name]
        x = [shown[one.block] + step * (number - (len(names) - 1) / 2) for one in own]
        colour = _COLOURS.get(name, _OTHERS[number % len(_OTHERS)])
        right.vlines(x, [o.excess.low for o in own], [o.excess.high for o in own], color=colour)
        right.scatter(
            x,
            [one.excess.value for one in own],
            color=colour,
            marker=_MARKERS[number % len(_MARKERS)],
            s=22,
            label=_short(name),
            zorder=3,
        )

    right.axhline(0, color=GREY, linewidth=0.7)
    right.set_xticks(range(len(shown)), [*(f"block {block}" for block in blocks), "any"])
    right.set_title("percentile by supernet less by table, 95 %")
    right.grid(axis="y")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.1), ncols=3, handlelength=1)
    figure.suptitle(title, fontsize=8)
    return figure


def _short(operation: str) -> str:
    return operation.removesuffix("-bn-relu")


def _row(
    quantity: str, block: object, operation: str, cells: int, value: Estimate
) -> dict[str, Any]:
    return {
        "quantity": quantity,
        "block": block,
        "operation": operation,
        "cells": cells,
        "value": value.value,
        "low": value.low,
        "high": value.high,
        "supernet": "",
        "table": "",
    }


def _points(value: Estimate) -> str:
    return f"{value.value:+.1f} points ({value.low:+.1f} to {value.high:+.1f})"
