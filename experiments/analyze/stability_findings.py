"""What `analyze stability` shows: rows for the CSV, sentences, a figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from oneshot_hpo.experiments.analyze.ranks import Array, Estimate, interval_words
from oneshot_hpo.search_spaces import SpaceId

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from oneshot_hpo.experiments.analyze.stability import Stability


def rows(space: SpaceId, searcher: str, found: Stability) -> list[dict[str, Any]]:
    """A row for each number with its interval, for the CSV."""
    common = {
        "space": space,
        "searcher": searcher,
        "cells": found.cells,
        "supernets": found.supernets,
    }
    values: list[tuple[str, object, object, Estimate | None]] = [
        ("spearman with the last epoch", 1, epoch, value) for epoch, value in found.epochs.items()
    ]
    for own in (found.one, found.several):
        if own is not None:
            values += [
                ("spearman between seeds", own.groups, "", own.seeds),
                ("spearman with the table", own.groups, "", own.table),
                ("spearman with parameters", own.groups, "", own.parameters),
            ]
    values += [
        ("groups less one supernet, between seeds", "", "", found.gain),
        ("spearman of parameters with the table", "", "", found.size),
        ("supernet less parameters, with the table", "", "", found.lead),
    ]
    table = [
        common
        | {"quantity": quantity, "groups": groups, "epoch": epoch}
        | {"value": value.value, "low": value.low, "high": value.high}
        for quantity, groups, epoch, value in values
        if value is not None
    ]
    for own in (found.one, found.several):
        if own is not None:
            quantity = "deviation of a cell's percentile between seeds"
            numbers = {"value": own.deviation, "low": "", "high": ""}
            words = {"quantity": quantity, "groups": own.groups, "epoch": ""}
            table.append(common | words | numbers)
    return table


def sentences(title: str, found: Stability) -> list[str]:
    """Between epochs, between seeds, with parameters, and what groups change."""
    one, covered = found.one, interval_words(found.one.seeds.supernets)
    nearest, farthest = max(found.epochs), min(found.epochs)
    lines = [
        f"{title}: ranks of {found.cells} cells after epoch {nearest} and after the last epoch "
        f"correlate by Spearman's {found.epochs[nearest]} "
        f"({interval_words(found.epochs[nearest].supernets)})"
        + (
            "."
            if nearest == farthest
            else f"; those after epoch {farthest} and the last by {found.epochs[farthest]}."
        ),
        f"Ranks by supernets of two seeds correlate by {one.seeds} ({covered}): a cell's "
        f"percentile varies by {one.deviation:.1f} points between seeds.",
    ]
    if one.parameters is not None and found.size is not None and found.lead is not None:
        verdict = {
            1: "the supernet ranks cells better than their size does",
            0: "that it ranks cells better, or worse, than their size does is not shown",
            -1: "size alone ranks cells better than the supernet does",
        }[found.lead.sign]
        lines.append(
            f"With the number of parameters its ranks correlate by {one.parameters}. With the "
            f"table's test error they correlate by {one.table}, the number of parameters by "
            f"{found.size}; the difference is {found.lead}: {verdict}."
        )
    if found.several is not None and found.gain is not None:
        own = found.several
        verdict = {
            1: "less sharing makes ranks of different seeds agree more",
            0: "that less sharing makes them agree more, or less, is not shown",
            -1: "less sharing makes ranks of different seeds agree less",
        }[found.gain.sign]
        lines.append(
            f"With {own.groups} groups of cells, each with a supernet of its own that is trained "
            f"as long, ranks of two seeds correlate by {own.seeds}, a change of "
            f"{_signed(found.gain)}: {verdict}. A cell's percentile varies by "
            f"{own.deviation:.1f} points, and the correlation with the table is {own.table}, with "
            f"one supernet {one.table}."
        )
    return lines


def draw(title: str, found: Stability) -> Figure:
    """Agreement with the last epoch on the left; of seeds, with table and size on the right."""
    from matplotlib.ticker import NullLocator

    from oneshot_hpo.experiments.figures.style import GREY, new_figure

    figure = new_figure(2.9)
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.3))
    epochs, values = list(found.epochs), list(found.epochs.values())
    left.errorbar(
        epochs,
        [one.value for one in values],
        yerr=_reach(values),
        marker="o",
        markersize=4,
        color="#0072b2",
        linewidth=1.2,
    )
    left.set_xscale("log")
    left.set_xticks(epochs, map(str, epochs))
    left.xaxis.set_minor_locator(NullLocator())
    left.set_xlabel("epoch")
    left.set_title("Spearman's ρ with the last epoch, 95 %")
    left.axhline(0, color=GREY, linewidth=0.7)
    left.grid(axis="y")

    names = {"seeds": "between\nseeds", "table": "with the\ntable", "parameters": "with\nsize"}
    shown = [own for own in (found.one, found.several) if own is not None]
    width = 0.8 / len(shown)
    for number, own in enumerate(shown):
        bars = [value for name in names if (value := getattr(own, name)) is not None]
        x = np.arange(len(bars)) + width * (number - (len(shown) - 1) / 2)
        label = "one supernet" if own.groups == 1 else f"{own.groups} groups"
        right.bar(
            x,
            [one.value for one in bars],
            yerr=_reach(bars),
            width=0.9 * width,
            color=("#9ecae9", "#f2c879")[number],
            label=label,
            error_kw={"linewidth": 1.2},
        )
    right.set_xticks(range(len(bars)), list(names.values())[: len(bars)])
    right.axhline(0, color=GREY, linewidth=0.7)
    right.set_title(f"Spearman's ρ of {found.cells} cells, 95 %")
    right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=2, handlelength=1)
    figure.suptitle(title, fontsize=8)
    return figure


def _reach(values: Sequence[Estimate]) -> Array:
    """Lengths of error bars below and above, (2, n)."""
    return np.array(
        [[one.value - one.low for one in values], [one.high - one.value for one in values]]
    ).clip(min=0)


def _signed(value: Estimate) -> str:
    return f"{value.value:+.2f} ({value.low:+.2f} to {value.high:+.2f})"
