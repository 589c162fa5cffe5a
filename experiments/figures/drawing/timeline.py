"""A Gantt chart: trials at work together above, brackets below, coloured by budget."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from experiments.figures.data.timeline import Bar, Timeline
from experiments.figures.drawing.style import CRASH, new_figure
from experiments.figures.methods import budget_colour
from experiments.wording import percent

_UNITS = ((86400.0, "days"), (3600.0, "hours"), (60.0, "minutes"), (1.0, "seconds"))
_ROW = 0.13  # inches, at most
_MOST = 4.5  # inches of rows in all


def draw_timeline(timeline: Timeline) -> Figure:
    """Both charts over the same time since the study's first decision."""
    rows = (timeline.lanes, timeline.brackets + 1)
    tall = min(_MOST, _ROW * sum(rows) + 0.5)
    figure = new_figure(tall + 1.3)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[max(2, n) for n in rows])
    seconds, unit = next(u for u in _UNITS if timeline.end >= 2 * u[0] or u[0] == 1)
    _bars(top, timeline, seconds, lambda bar: bar.lane + 1)
    _bars(bottom, timeline, seconds, lambda bar: bar.bracket)
    for loss in timeline.losses:
        bottom.plot(loss.time / seconds, loss.bracket, "v", color="black", markersize=4, zorder=5)
    state = "" if timeline.finished else ", the study goes on"
    top.set_title(
        f"{len(timeline.bars)} trials; {percent(timeline.busy)} of the slots' time at work{state}"
    )
    top.set_ylabel("slot of a worker")
    top.set_ylim(timeline.lanes + 0.6, 0.4)
    top.yaxis.get_major_locator().set_params(integer=True)
    bottom.set_ylabel("bracket")
    bottom.set_ylim(timeline.brackets - 0.4, -1.6)
    numbers = range(0, timeline.brackets, max(1, timeline.brackets // 9))
    bottom.set_yticks([-1, *numbers], ["default", *map(str, numbers)])
    bottom.set_xlabel(f"time since the study began ({unit})")
    bottom.set_xlim(0, timeline.end / seconds * 1.005)
    for ax in (top, bottom):
        ax.grid(axis="x")
    _legend(figure, timeline)
    return figure


def _bars(ax: Axes, timeline: Timeline, seconds: float, row: Callable[[Bar], int]) -> None:
    for bar in timeline.bars:
        colour = budget_colour(timeline.budgets.index(bar.budget), len(timeline.budgets))
        pending, crashed = bar.state == "pending", bar.state == "crashed"
        ax.barh(
            row(bar),
            (bar.end - bar.start) / seconds,
            0.8,
            left=bar.start / seconds,
            facecolor="white" if pending else colour,
            edgecolor=colour if pending else CRASH if crashed else "white",
            linewidth=1.2 if pending or crashed else 0.3,
            hatch="//////" if pending else None,
            alpha=0.75 if ax.get_ylabel() == "bracket" else None,
            zorder=3 if crashed else 2,
        )
        if crashed:
            middle = (bar.start + bar.end) / 2 / seconds
            ax.plot(middle, row(bar), "x", color=CRASH, markersize=4, zorder=4)


def _legend(figure: Figure, timeline: Timeline) -> None:
    count = len(timeline.budgets)
    handles: list[Patch | Line2D] = [
        Patch(facecolor=budget_colour(rank, count), label=f"{budget:g} epochs")
        for rank, budget in enumerate(timeline.budgets)
    ]
    states = {bar.state for bar in timeline.bars}
    if "crashed" in states:
        crashed = sum(bar.state == "crashed" for bar in timeline.bars)
        handles.append(
            Line2D([], [], color=CRASH, marker="x", linestyle="none", label=f"crashed ({crashed})")
        )
    if "pending" in states:
        handles.append(
            Patch(facecolor="white", edgecolor="#555555", hatch="//////", label="at work now")
        )
    if timeline.losses:
        label = f"worker lost, trial run again ({len(timeline.losses)})"
        handles.append(Line2D([], [], color="black", marker="v", linestyle="none", label=label))
    figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)))
