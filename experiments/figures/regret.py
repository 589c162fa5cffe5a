"""Incumbent regret on logarithmic axes: validation left, test right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from oneshot_hpo.experiments.figures.colours import Look, looks
from oneshot_hpo.experiments.figures.style import (
    GREY,
    legend_below,
    legend_height,
    line_style,
    new_figure,
    plain_log,
)
from oneshot_hpo.experiments.numbers.regret import ZERO, Curve, RegretCurves, methods_of
from oneshot_hpo.search_spaces import title_of

_X_LABELS = {
    "evaluations": "evaluations (in units of the largest budget)",
    "seconds": "search, and training of each cell found (s)",
    "simulated": "simulated time: training by the table (s)",
    "real": "search time of one worker (s)",
}
_TITLES = {"valid": "validation", "test": "test"}
_MARKERS = 6  # on a curve


def draw_regret(panels: Sequence[RegretCurves]) -> Figure:
    """Panels of one space and axis, one an error, on the same scale."""
    methods = methods_of(panels)
    look = looks(methods)
    labels = [curve.label for curve in panels[0].curves]
    figure = new_figure(2.55 + legend_height(labels))
    axes = figure.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    floor = 100 * min(panel.floor for panel in panels)
    shade = 0.14 if len(methods) <= 4 else 0.07  # many bands overlap
    for ax, panel in zip(axes, panels, strict=True):
        for number, curve in enumerate(panel.curves):
            _draw(ax, curve, look[curve.method], floor, number / len(panel.curves), shade)
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_title(f"{_TITLES[panel.error]}, {title_of(panel.space)}, {panel.table}")
        ax.set_xlabel(_X_LABELS[panel.axis])
        ax.grid(which="major")
        plain_log(ax.xaxis, 6)
    _limits(axes, panels, floor)
    axes[0].set_ylabel("regret (percentage points)")
    plain_log(axes[0].yaxis)
    legend_below(figure, axes[0], labels)
    return figure


def _draw(ax: Axes, curve: Curve, look: Look, floor: float, phase: float, shade: float) -> None:
    spread = curve.spread
    low, median, high = (
        np.maximum(100 * values, floor) for values in (spread.low, spread.median, spread.high)
    )
    style = line_style(look)

    if len(spread.x) == 1:
        if spread.count == 1 or not np.isfinite(median[0]):
            # Where half of the searches crashed there is no median, but maybe a lower quartile.
            shown = median if spread.count == 1 else low
            ax.plot(spread.x, shown, label=curve.label, **style | {"linestyle": "none"})
            return
        ends = np.array([median - low, np.minimum(high, 1e4) - median])
        line = {"elinewidth": look.width, "capsize": 2.5, "zorder": 4}
        ax.errorbar(
            spread.x, median, ends, label=curve.label, **style | line | {"linestyle": "none"}
        )
        return

    shown = np.isfinite(median)
    ax.plot(
        spread.x[shown],
        median[shown],
        drawstyle="steps-post",
        markevery=_marked(spread.x[shown], phase),
        label=curve.label,
        zorder=3,
        **style,
    )

    if spread.count > 1:
        band = np.minimum(high, 1e4)  # a crash reaches beyond the axis
        ax.fill_between(
            spread.x, low, band, step="post", color=look.colour, alpha=shade, linewidth=0
        )
        if curve.method.role != "baseline":
            # Tuned and default have one colour: the quartiles have the dashes of their line.
            edge = {"drawstyle": "steps-post", "linewidth": 0.6, "marker": "", "alpha": 0.7}
            for values in (low, band):
                ax.plot(spread.x, values, **style | edge)


def _marked(x: NDArray[np.float64], phase: float) -> list[int]:
    """Places of markers, evenly spaced on a logarithmic axis; other curves have another phase."""
    if len(x) < 2:
        return [0]
    position = np.log(np.maximum(x, x[x > 0][0]))
    share = (np.arange(_MARKERS) + phase) / _MARKERS
    wanted = position[0] + share * (position[-1] - position[0])
    return sorted({int(np.abs(position - place).argmin()) for place in wanted})


def _limits(axes: Sequence[Axes], panels: Sequence[RegretCurves], floor: float) -> None:
    """Scale the axes from the lowest regret, or the line for 0, to the highest one."""
    values = np.concatenate(
        [
            np.ravel([100 * curve.spread.low, 100 * curve.spread.median, 100 * curve.spread.high])
            for panel in panels
            for curve in panel.curves
        ]
    )
    positive = values[(values > 100 * ZERO) & np.isfinite(values)]
    if not len(positive):
        positive = np.array([2 * floor])

    zero = any(panel.reaches_zero for panel in panels)
    for ax in axes:
        ax.set_ylim(floor / 1.25 if zero else positive.min() / 1.2, positive.max() * 1.25)
        if zero:
            ax.axhline(floor, color=GREY, linestyle=":", linewidth=1)
            ax.annotate(
                "regret 0",
                (0.01, floor),
                xycoords=("axes fraction", "data"),
                xytext=(0, 2),
                textcoords="offset points",
                color="#444444",
                fontsize=6.5,
            )
