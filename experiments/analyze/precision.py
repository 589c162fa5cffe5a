"""`oneshot-hpo analyze precision`: does a supernet find good cells, or does it leave out bad ones?

Zhang et al., How Does Supernet Help in Neural Architecture Search? (2021): supernets are better at
finding bad cells than good ones, and relatively good cells (the best 10 %) than the best (1 %).

Precision is the share of the cells that a supernet ranks first that are among as many best cells.
Random rankings have that share itself; `beyond chance` is what is above it, of what could be.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from oneshot_hpo.experiments.analyze.inputs import pair_notes, search_settings, table_and_space
from oneshot_hpo.experiments.analyze.plan import SupernetOptions, SupernetPlan
from oneshot_hpo.experiments.analyze.publishing import AnalysisReport, publish
from oneshot_hpo.experiments.analyze.ranks import (
    Array,
    Estimate,
    estimate,
    first_count,
    interval_words,
    precision,
    resamples,
)
from oneshot_hpo.experiments.analyze.sample import shared_sample
from oneshot_hpo.search_spaces import SpaceId, heading_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from rich.console import Console

NAME = "precision"
SHARES = (0.01, 0.1, 0.5)
Side = Literal["best", "worst"]
SIDES: tuple[Side, ...] = get_args(Side)
_COLOURS: dict[Side, str] = {"best": "#0072b2", "worst": "#d55e00"}

Statistic = Callable[[int, Array | None], Array]
"""Of a supernet's number and resamples (B, n), or None for the sample itself."""


@dataclass(frozen=True)
class Precision:
    """Precision of supernets by side and share of n cells; means over them."""

    cells: int
    supernets: int
    found: Mapping[tuple[Side, float], Estimate]
    chance: Mapping[float, float]
    """By share, the precision of random rankings."""
    worst_less_best: Mapping[float, Estimate]
    """By share: above 0, bad cells are found better than good ones."""
    tenth_less_hundredth: Estimate
    """Beyond chance, the best 10 % less the best 1 %: above 0, relatively good cells are found
    better than the best."""


def analyse_precision(
    console: Console, options: SupernetOptions, *, space: SpaceId, searcher: str, epochs: int
) -> AnalysisReport:
    """Train supernets, score the cells, and publish how well they find the best and the worst.

    UserError, or another of this project's errors: bad input; nothing is written then.
    """
    settings = search_settings(searcher, options.dataset, options.overrides)
    table, search_space = table_and_space(options.table, space)
    sample = shared_sample(table, search_space, options.cells, options.seed)

    plan = SupernetPlan(options)
    supernets = plan.supernets(searcher, settings, space, epochs)
    plan.add(supernets, epochs, sample)

    with plan.run(console):
        rng = np.random.default_rng([options.seed, search_space.entropy, 1])
        scores = plan.scores(supernets, epochs, sample)
        found = precision_of(scores, sample.test_errors, resamples(len(sample), rng))

        title = f"{heading_of(space)}, {searcher} after {epochs} epochs"
        return publish(
            options.folder / NAME,
            rows(space, searcher, epochs, found),
            lambda: draw(title, found),
            [*pair_notes(options.dataset, options.table), *sentences(title, found)],
        )


def precision_of(scores: Sequence[Array], errors: Array, weights: Array) -> Precision:
    """From each supernet's scores (n,), the table's errors (n,), resamples of the cells (B, n)."""
    cells, supernets = len(errors), len(scores)
    chance = {share: first_count(cells, share) / cells for share in SHARES}

    def at(side: Side, share: float) -> Statistic:
        sign = 1 if side == "best" else -1
        return lambda i, w: precision(sign * scores[i], sign * errors, share, w)

    def beyond(share: float) -> Statistic:
        return lambda i, w: (at("best", share)(i, w) - chance[share]) / (1 - chance[share])

    def less(one: Statistic, other: Statistic) -> Estimate:
        return estimate(lambda i, w: one(i, w) - other(i, w), supernets, weights, limit=2)

    return Precision(
        cells=cells,
        supernets=supernets,
        found={
            (side, share): estimate(at(side, share), supernets, weights, limit=1)
            for side in SIDES
            for share in SHARES
        },
        chance=chance,
        worst_less_best={share: less(at("worst", share), at("best", share)) for share in SHARES},
        tenth_less_hundredth=less(beyond(0.1), beyond(0.01)),
    )


def rows(space: SpaceId, searcher: str, epochs: int, found: Precision) -> list[dict[str, Any]]:
    """A row for each number with its interval, for the CSV."""
    common = {
        "space": space,
        "searcher": searcher,
        "epochs": epochs,
        "cells": found.cells,
        "supernets": found.supernets,
    }
    values: list[tuple[str, float, float | str, Estimate]] = [
        (side, share, found.chance[share], value) for (side, share), value in found.found.items()
    ]
    values += [
        ("worst less best", share, 0.0, value) for share, value in found.worst_less_best.items()
    ]
    values.append(("best, beyond chance, less that at 1 %", 0.1, 0.0, found.tenth_less_hundredth))
    return [
        common
        | {"quantity": quantity, "share": share, "chance": chance}
        | {"value": value.value, "low": value.low, "high": value.high}
        for quantity, share, chance, value in values
    ]


def sentences(title: str, found: Precision) -> list[str]:
    """A sentence for each share, and one that compares the best 10 % with the best 1 %."""
    lines = []
    for share in SHARES:
        best, worst = (found.found[side, share] for side in SIDES)
        word = {
            1: "bad cells are found better than good ones",
            0: "that either is found better is not shown",
            -1: "good cells are found better than bad ones",
        }[found.worst_less_best[share].sign]
        lines.append(
            f"{title}: of the {100 * share:g} % of {found.cells} cells that are ranked first "
            f"{_percent(best)} are among as many best, of those ranked last {_percent(worst)} "
            f"among the worst, by chance {100 * found.chance[share]:.1f} %; the difference is "
            f"{_percent(found.worst_less_best[share])} ({interval_words(found.supernets)}): {word}."
        )

    gap = found.tenth_less_hundredth
    word = {
        1: "the best 10 % are found better than the best 1 %",
        0: "that the best 10 % are found better than the best 1 %, or worse, is not shown",
        -1: "the best 1 % are found better than the best 10 %",
    }[gap.sign]
    lines.append(
        f"Beyond chance, of what could be, precision in the best 10 % less that in the best 1 % is "
        f"{_percent(gap)}: {word}."
    )
    return lines


def draw(title: str, found: Precision) -> Figure:
    """Precision by share, for the best and the worst, beside that of random rankings."""
    from oneshot_hpo.experiments.figures.style import GREY, new_figure

    figure = new_figure(2.7, 3.6)
    ax = figure.subplots()
    for place, side in enumerate(SIDES):
        x = np.arange(len(SHARES)) + 0.12 * (2 * place - 1)
        own = [found.found[side, share] for share in SHARES]
        ax.vlines(x, [100 * v.low for v in own], [100 * v.high for v in own], color=_COLOURS[side])
        values = [100 * one.value for one in own]
        ax.scatter(x, values, color=_COLOURS[side], marker="ov"[place], s=22, label=side, zorder=3)

    for place, share in enumerate(SHARES):
        chance = 100 * found.chance[share]
        label = "_" if place else "by chance"
        ax.hlines(chance, place - 0.3, place + 0.3, color=GREY, linestyle="--", label=label)
    ax.set_xticks(range(len(SHARES)), [f"{100 * share:g} %" for share in SHARES])
    ax.set_xlabel("share of the cells")
    ax.set_ylabel("found of them (%), 95 %")
    ax.set_title(f"{title}\n{found.cells} cells, {found.supernets} supernets", fontsize=8)
    ax.grid(axis="y")
    ax.legend(loc="upper left")
    return figure


def _percent(value: Estimate) -> str:
    return f"{100 * value.value:.0f} % ({100 * value.low:.0f} to {100 * value.high:.0f} %)"
