"""The one style of all figures: sizes, fonts, axes, legends."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from experiments.figures.methods import BUDGET_MARKERS, Look

WIDTH = 6.75
"""Inches, of a page's two columns."""
GREY = "#767676"
CRASH = "#d55e00"
"""Whatever crashed; a marker tells it too."""

MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle": "^",
    "down": "v",
    "left": "<",
    "right": ">",
    "pentagon": "p",
    "plus": "P",
    "cross": "X",
    "star": "*",
}
"""Matplotlib's for those of `methods.Look`."""

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8,
    "axes.titlesize": 8,
    "axes.labelsize": 8,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.7,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.5,
    "lines.dash_capstyle": "butt",
    "hatch.linewidth": 0.5,
    # Text that stays text: TrueType in PDF, as journals ask for.
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
}


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib's settings for drawing and saving, whatever a user's own are."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """A figure, in inches, that leaves room for what is outside its axes."""
    return Figure(figsize=(width, height), layout="constrained")


def line_style(look: Look) -> dict[str, Any]:
    """Arguments for a line with markers."""
    return {
        "color": look.colour,
        "linestyle": (0, look.dashes) if look.dashes else "-",
        "linewidth": look.width,
        "marker": MARKERS[look.marker],
        "markersize": 4.5,
        "markerfacecolor": look.colour if look.filled else "white",
        "markeredgecolor": look.colour,
        "markeredgewidth": 0.9,
    }


def budget_marker(rank: int) -> str:
    """Matplotlib's marker of a budget, by its rank."""
    return MARKERS[BUDGET_MARKERS[rank % len(BUDGET_MARKERS)]]


def legend_below(figure: Figure, axes: Axes, columns: int = 3) -> None:
    """A legend of what the axes show, under the figure, where it covers nothing."""
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(columns, len(labels)))


def plain_log(axis: Any, subs: tuple[float, ...] = (1.0, 2.0, 5.0)) -> None:
    """Ticks of a logarithmic axis as plain numbers, where it spans few decades."""
    low, high = axis.get_view_interval()
    decades = high / low if low > 0 else 1
    axis.set_major_locator(LogLocator(subs=subs if decades < 500 else (1.0,), numticks=20))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())
