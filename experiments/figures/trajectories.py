"""One-shot validation error left, the table's test error of the cell right, over epochs."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from oneshot_hpo.experiments.figures.colours import Look, looks
from oneshot_hpo.experiments.figures.style import (
    legend_below,
    legend_height,
    line_style,
    new_figure,
    plain_log,
    whole_numbers,
)
from oneshot_hpo.experiments.numbers.spread import Spread
from oneshot_hpo.experiments.numbers.trajectories import Trajectories
from oneshot_hpo.search_spaces import title_of


def draw_trajectories(trajectories: Trajectories) -> Figure:
    """Both errors on logarithmic axes; a median that crashes reach ends there."""
    found = trajectories.found
    look = looks([trajectory.method for trajectory in found])
    labels = [trajectory.label for trajectory in found]
    figure = new_figure(2.55 + legend_height(labels))
    left, right = figure.subplots(1, 2)
    for number, trajectory in enumerate(found):
        phase = number / len(found)
        _draw(left, trajectory.one_shot, look[trajectory.method], trajectory.label, phase)
        _draw(right, trajectory.test, look[trajectory.method], trajectory.label, phase)
    left.set_ylabel("one-shot validation error (%)")
    right.set_ylabel("test error of the cell (%)")
    for ax in (left, right):
        ax.set_xlabel("epoch of the search")
        ax.set_yscale("log")
        ax.grid(which="major")
        whole_numbers(ax.xaxis)
        plain_log(ax.yaxis)
        ax.set_title(f"{title_of(trajectories.space)}, {trajectories.table}")
    right.set_xlim(left.get_xlim())
    legend_below(figure, left, labels)
    return figure


def _draw(ax: Axes, spread: Spread, look: Look, label: str, phase: float) -> None:
    shown = np.isfinite(spread.median)
    every = max(1, int(shown.sum()) // 6)
    first = int(phase * every)
    ax.plot(
        spread.x[shown],
        100 * spread.median[shown],
        label=label,
        markevery=(first, every),
        zorder=3,
        **line_style(look),
    )
    if spread.count > 1:
        top = np.minimum(100 * spread.high, 100.0)
        ax.fill_between(spread.x, 100 * spread.low, top, color=look.colour, alpha=0.15, linewidth=0)
        # Tuned and default have one colour: the quartiles have the dashes of their line.
        edge = {"linewidth": 0.6, "marker": "", "alpha": 0.7}
        for values in (100 * spread.low, top):
            ax.plot(spread.x, values, **line_style(look) | edge)
