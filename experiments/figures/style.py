"""The one style of all figures: sizes, fonts, axes, legends."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter

from oneshot_hpo.experiments.figures.colours import BUDGET_MARKERS, Look

WIDTH = 6.75
"""Inches, of a page's two columns."""
GREY = "#767676"
CRASH = "#d55e00"
"""For crashes, which also have a marker of their own."""

_HANDLE, _LETTER = 0.6, 0.058  # inches of a legend's line and of a letter beside it
MARKERS = {
    "circle": "o",
    "square": "s",
    "diamond": "D",
    "triangle": "^",
    "down": "v",
    "left": "<",
    "right": ">",
    "pentagon": "p",
    "hexagon": "h",
    "hexagon_flat": "H",
    "octagon": "8",
    "lozenge": "d",
    "plus": "P",
    "cross": "X",
    "star": "*",
}
"""Matplotlib's markers for those of `colours.Look`."""

_STYLE: dict[Any, Any] = {
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
    # Text that stays text: TrueType in PDF, as journals require.
    "pdf.fonttype": 42,
    "savefig.dpi": 200,
}


@contextmanager
def styled() -> Iterator[None]:
    """Matplotlib's settings for drawing and saving, independent of the user's own."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_STYLE)
        yield


def new_figure(height: float, width: float = WIDTH) -> Figure:
    """A figure, in inches, with room for legends and labels outside its axes."""
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


def legend_columns(labels: Sequence[str], width: float = WIDTH) -> int:
    """The largest number of columns that fit under a figure of `width` inches."""
    for count in range(len(labels), 1, -1):
        columns = np.array_split([len(label) for label in labels], count)
        if sum(_HANDLE + _LETTER * column.max() for column in columns) < width:
            return count
    return 1


def legend_height(labels: Sequence[str], width: float = WIDTH) -> float:
    """The height of a legend below, in inches."""
    return 0.15 + 0.155 * -(-len(labels) // legend_columns(labels, width))


def legend_below(figure: Figure, axes: Axes, order: Sequence[str] | None = None) -> None:
    """A legend of what the axes show, under the figure, where it covers nothing."""
    handles, labels = axes.get_legend_handles_labels()
    known = dict(zip(labels, handles, strict=True))
    names = list(dict.fromkeys(order or labels))
    figure.legend(
        [known[name] for name in names],
        names,
        loc="outside lower center",
        ncols=legend_columns(names, figure.get_figwidth()),
    )


def signed(value: float) -> str:
    """Two digits, with a true minus sign."""
    return f"{value:.2f}".replace("-", "−")


def whole_numbers(axis: Axis) -> None:
    """Ticks at whole numbers."""
    axis.set_major_locator(MaxNLocator(integer=True))


def plain_log(axis: Axis, most: int = 8) -> None:
    """Ticks of a logarithmic axis as plain numbers; call it when the limits are final."""
    low, high = axis.get_view_interval()
    ticks: list[float] = []
    for digits in ((1, 1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9), (1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1,)):
        powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        ticks = [digit * 10.0**power for power in powers for digit in digits]
        ticks = [tick for tick in ticks if low * 0.999 <= tick <= high * 1.001]
        if len(ticks) <= most:
            break
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())
    axis.set_view_interval(low, high, ignore=True)
