"""The figure of several tables side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oneshot_hpo.experiments.analyze.operations.comparing import Compared
from oneshot_hpo.experiments.figures.style import GREY, new_figure

_DARK, _LIGHT = "#0072b2", "#b9d7ea"


def draw_comparison(tables: Sequence[Compared]) -> Figure:
    """Three panels, a line of each a table: accuracies, operations, how methods are ranked."""
    figure = new_figure(1.6 + 0.32 * len(tables), 9.5)
    names = list(dict.fromkeys(name for one in tables for name in one.preferences))
    spread, preferred, ranked = figure.subplots(
        1, 3, sharey=True, width_ratios=(1.1, 0.3 + 0.2 * len(names), 0.8)
    )
    _spread(spread, tables)
    _preferences(preferred, tables, names)
    _agreement(ranked, tables)
    spread.set_yticks(range(len(tables)), [one.label for one in tables])
    spread.set_ylim(len(tables) - 0.4, -0.6)
    return figure


def _spread(ax: Axes, tables: Sequence[Compared]) -> None:
    """Quantiles of accuracy on each table's own range from the worst to the best cell."""
    for place, one in enumerate(tables):
        errors = one.analysis.population.errors
        best, worst = errors.min(), errors.max()
        low, first, middle, third, high = 100 * (
            1 - (np.quantile(errors, (0.95, 0.75, 0.5, 0.25, 0.05)) - best) / (worst - best)
        )
        ax.plot([low, high], [place, place], color=_DARK, linewidth=1)
        ax.plot([first, third], [place, place], color=_LIGHT, linewidth=8, solid_capstyle="butt")
        ax.plot(middle, place, marker="|", color="black", markersize=8, markeredgewidth=1.5)
    ax.set_xlim(0, 100)
    ax.set_title("Accuracies: 90 %, half, median")
    ax.set_xlabel("% of the range from worst to best")


def _preferences(ax: Axes, tables: Sequence[Compared], names: Sequence[str]) -> None:
    """How often the best cells have an operation, as a multiple of all cells."""
    ratios = np.array([[one.preferences.get(name, np.nan) for name in names] for one in tables])
    ax.imshow(
        np.log2(np.clip(ratios, 0.25, 4)),
        cmap="RdBu",
        vmin=-2,
        vmax=2,
        aspect="auto",
        alpha=0.75,
    )
    for (row, column), ratio in np.ndenumerate(ratios):
        if not np.isnan(ratio):
            ax.text(column, row, f"{ratio:.1f}", ha="center", va="center", fontsize=7)
    ax.set_xticks(range(len(names)), names, rotation=40, ha="right", rotation_mode="anchor")
    ax.set_title("Operations: best cells / all cells")


def _agreement(ax: Axes, tables: Sequence[Compared]) -> None:
    places = np.arange(len(tables))
    values = [one.ranks.agreement for one in tables]
    errors = [one.ranks.standard_error for one in tables]
    ax.errorbar(values, places, xerr=errors, fmt="o", color=_DARK, markersize=5, capsize=2)
    ax.axvline(0, color=GREY, linewidth=0.8)
    ax.set_xlim(min(0.0, *values) - 0.15, 1.05)
    ax.set_title("Do two comparisons agree?")
    ax.set_xlabel("tau of methods' rankings")
