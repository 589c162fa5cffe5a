"""The figure of an analysis of operations."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oneshot_hpo.experiments.analyze.operations.findings import Analysis, described
from oneshot_hpo.experiments.analyze.operations.subsets import CLOSE, Subset
from oneshot_hpo.experiments.figures.style import (
    GREY,
    MARKERS,
    WIDTH,
    new_figure,
    plain_log,
    signed,
    whole_numbers,
)
from oneshot_hpo.experiments.wording import called

_LOOKS = {
    "conv 3×3": ("#0072b2", "-", MARKERS["circle"]),
    "conv 1×1": ("#e69f00", "--", MARKERS["square"]),
    "max pool": ("#009e73", ":", MARKERS["triangle"]),
    "avg pool": ("#009e73", ":", MARKERS["triangle"]),
}
_OTHERS = [
    (colour, line, marker)
    for colour, line, marker in zip(
        ("#cc79a7", "#56b4e9", "#d55e00", "#0072b2", "#009e73", "#e69f00"),
        ("-", "--", ":", "-.", "-", "--"),
        reversed(MARKERS.values()),
        strict=False,
    )
]
"""Of other operations, by their codes."""
_DARK, _LIGHT = "#0072b2", "#b9d7ea"
_SHOWN = 8  # combinations
_SUBSETS = 8  # all of three operations; of more, the best of each size
_FEW, _WIDER = 3, 8.6  # operations; inches for the names of more


def draw_operations(analysis: Analysis) -> Figure:
    """Five panels: accuracies, replacements, counts, subsets, combinations."""
    few = len(analysis.population.operations) <= _FEW
    figure = new_figure(6.9, WIDTH if few else _WIDER)
    # Each column with room of its own for its labels.
    upper, lower = np.asarray(figure.subfigures(2, 1, height_ratios=(2, 1)))
    for part, draws in zip(
        np.asarray(upper.subfigures(1, 2)),
        ((_shape, _counts), (_replacements, _subsets)),
        strict=True,
    ):
        for axes, draw in zip(part.subplots(2, 1), draws, strict=True):
            draw(axes, analysis)
    _combinations(lower.subplots(), analysis)
    population = analysis.population
    title = f"{population.table}, {population.name}: {len(population):,}"
    figure.suptitle(title, fontsize=9, fontweight="bold")
    return figure


def _shape(ax: Axes, analysis: Analysis) -> None:
    accuracies = 100 * (1 - analysis.population.errors)
    ax.hist(accuracies, bins=70, color=_LIGHT, edgecolor=_DARK, linewidth=0.3, log=True)
    ax.axvline(np.median(accuracies), color="black", linewidth=1, label="median")
    ax.axvline(
        accuracies[analysis.best].min(),
        color=GREY,
        linestyle="--",
        linewidth=1,
        label=f"best {100 * analysis.share:g} %",
    )
    skewness = analysis.shape.skewness
    value, low, high = map(signed, (skewness.value, skewness.low, skewness.high))
    ax.set_title(f"Skewness {value} ({low} to {high})")
    ax.set_xlabel("mean test accuracy, %")
    ax.set_ylabel("cells")
    ax.legend(loc="upper left")


def _replacements(ax: Axes, analysis: Analysis) -> None:
    """Quantiles of gains: middle 90 % thin, middle half thick, median and mean as marks."""
    pairs = analysis.replacements
    gap = "\n" if len(analysis.population.operations) <= _FEW else " "
    for place, pair in enumerate(pairs):
        low, first, middle, third, high = 100 * np.quantile(
            pair.gains, (0.05, 0.25, 0.5, 0.75, 0.95)
        )
        labels = ("90 %", "half", "median", "mean") if not place else (None,) * 4
        ax.plot([low, high], [place, place], color=_DARK, linewidth=1, label=labels[0])
        ax.plot(
            [first, third], [place, place], color=_LIGHT, linewidth=8, solid_capstyle="butt",
            label=labels[1],
        )  # fmt: skip
        ax.plot(
            middle, place, marker="|", color="black", markersize=8, markeredgewidth=1.5,
            linestyle="none", label=labels[2],
        )  # fmt: skip
        ax.plot(
            100 * pair.mean, place, marker="D", color=_DARK, markersize=4, linestyle="none",
            label=labels[3],
        )  # fmt: skip

    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_yticks(
        range(len(pairs)),
        [
            f"{called(pair.better)}{gap}for {called(pair.worse)}{gap}"
            f"({100 * pair.wins:.0f} % better)"
            for pair in pairs
        ],
    )
    ax.set_ylim(len(pairs) * 1.15 - 0.3, -0.6)

    ax.legend(loc="lower right", ncols=4, handlelength=1, columnspacing=0.8, handletextpad=0.5)
    ax.set_title("One operation replaced, all else equal")
    ax.set_xlabel("points of test error less")


def _counts(ax: Axes, analysis: Analysis) -> None:
    for code, name in enumerate(analysis.population.operations):
        colour, line, marker = _LOOKS.get(called(name)) or _OTHERS[code % len(_OTHERS)]
        rows = [one for one in analysis.counts if one.counts[code] is not None]
        there = [one for one in rows if one.lift > 0]  # none at all has no logarithm
        ax.plot(
            [one.counts[code] or 0 for one in there],
            [one.lift for one in there],
            color=colour,
            linestyle=line,
            marker=marker,
            markersize=5,
            label=called(name),
        )
    ax.axhline(1, color=GREY, linewidth=0.8)
    ax.set_yscale("log")
    whole_numbers(ax.xaxis)
    ax.set_title(f"The best {100 * analysis.share:g} % against all cells")
    ax.set_xlabel("times the operation is in a cell (none of the best: not drawn)")
    ax.set_ylabel("times as frequent")
    ax.set_ylim(bottom=ax.get_ylim()[0] / 3)  # room for the legend
    plain_log(ax.yaxis)
    ax.legend(loc="lower center", ncols=3, handlelength=2.2, columnspacing=1)


def _subsets(ax: Axes, analysis: Analysis) -> None:
    rows = _shown(analysis.subsets)
    values = [100 * one.regret for one in rows]
    colours = [_DARK if one.close else _LIGHT for one in rows]
    ax.barh(range(len(rows)), values, color=colours, edgecolor=_DARK, linewidth=0.5, height=0.7)

    noise = 100 * CLOSE * (analysis.population.difference_noise or 0)
    for place, value in enumerate(values):
        ax.annotate(
            f"{value:.2f}",
            (max(value, noise), place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )
    if noise:
        ax.axvline(noise, color=GREY, linestyle="--", linewidth=1, label="noise")
        ax.legend(loc="lower right")

    ax.set_yticks(range(len(rows)), [" + ".join(map(_short, one.operations)) for one in rows])
    ax.invert_yaxis()
    ax.set_xlim(0, 1.18 * max([*values, 0.1]))
    ax.set_title("The best cell of these operations")
    ax.set_xlabel("points of test error above the best")


def _shown(rows: list[Subset]) -> list[Subset]:
    """All subsets where they are few, else the best of each size and the single operations."""
    if len(rows) <= _SUBSETS:
        return rows
    best: dict[int, Subset] = {}
    for one in rows:
        size = len(one.operations)
        best[size] = min(best.get(size, one), one, key=lambda some: some.regret)
    return [one for one in rows if len(one.operations) == 1 or one is best[len(one.operations)]]


def _short(operation: str) -> str:
    return called(operation).removeprefix("conv ").removeprefix("max ").removeprefix("avg ")


def _combinations(ax: Axes, analysis: Analysis) -> None:
    rows = analysis.combinations[:_SHOWN]
    places = np.arange(len(rows))
    best = [100 * one.share_of_best for one in rows]
    ax.barh(places - 0.2, best, 0.4, color=_DARK, label=f"of the best {100 * analysis.share:g} %")
    ax.barh(
        places + 0.2,
        [100 * one.share for one in rows],
        0.4,
        color=_LIGHT,
        edgecolor=_DARK,
        linewidth=0.5,
        label="of all cells",
    )

    for place, one in zip(places, rows, strict=True):
        ax.annotate(
            f"{one.lift:.1f} ×",
            (100 * max(one.share_of_best, one.share), place),
            (3, 0),
            textcoords="offset points",
            va="center",
            fontsize=7,
        )

    ax.set_yticks(places, [described(one.counts, analysis.population.operations) for one in rows])
    ax.invert_yaxis()
    ax.set_title("Combinations of operations that the best cells have most often")
    ax.set_xlabel("share of cells, %")
    ax.set_xlim(right=1.3 * ax.get_xlim()[1])  # room for the legend
    ax.legend(loc="lower right")
