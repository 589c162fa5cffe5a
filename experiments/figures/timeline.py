"""A Gantt chart: trials at work together above, brackets below, coloured by budget."""

from __future__ import annotations

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from oneshot_hpo.experiments.figures.colours import budget_colour
from oneshot_hpo.experiments.figures.style import CRASH, legend_columns, new_figure
from oneshot_hpo.experiments.numbers.timeline import Timeline, unit_of

_ROW = 0.13  # inches, at most
_MOST = 4.5  # inches of rows in all


def draw_timeline(timeline: Timeline) -> Figure:
    """Both charts over the same time since the study's first decision."""
    rows = (timeline.lanes, timeline.brackets + 1)
    tall = min(_MOST, _ROW * sum(rows) + 0.5)
    figure = new_figure(tall + 1.3)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[max(2, n) for n in rows])
    seconds, unit = unit_of(timeline.end)

    _bars(top, timeline, seconds)
    _rungs(bottom, timeline, seconds)
    for loss in timeline.losses:
        bottom.plot(loss.time / seconds, loss.bracket, "v", color="black", markersize=4, zorder=5)

    state = "" if timeline.finished else ", the study is not finished"
    top.set_title(
        f"trials: {len(timeline.bars)}; at work together (slots): {timeline.lanes} at most, "
        f"busy {100 * timeline.busy:.0f} % of the time{state}"
    )
    top.set_ylabel("slot")
    top.set_ylim(timeline.lanes + 0.6, 0.4)
    top.set_yticks(range(1, timeline.lanes + 1, max(1, timeline.lanes // 4)))

    bottom.set_ylabel("bracket")
    bottom.set_ylim(timeline.brackets - 0.4, -1.6)
    step = max(1, timeline.brackets // 9)
    numbers = range(0 if step == 1 else step, timeline.brackets, step)
    bottom.set_yticks([-1, *numbers], ["default", *map(str, numbers)])
    bottom.set_xlabel(f"time since the study began ({unit})")
    bottom.set_xlim(0, timeline.end / seconds * 1.005)

    for ax in (top, bottom):
        ax.grid(axis="x")
    _legend(figure, timeline)
    return figure


def _rungs(ax: Axes, timeline: Timeline, seconds: float) -> None:
    """A line of a bracket for each budget, from its first trial to its last one."""
    count = len(timeline.budgets)
    height = 0.84 / count
    for rung in timeline.rungs:
        rank = timeline.budgets.index(rung.budget)
        alone = rung.bracket < 0
        ax.barh(
            rung.bracket + (0 if alone else (rank - (count - 1) / 2) * height),
            (rung.end - rung.start) / seconds,
            0.84 if alone else height,
            left=rung.start / seconds,
            color=budget_colour(rank, count),
        )


def _bars(ax: Axes, timeline: Timeline, seconds: float) -> None:
    for bar in timeline.bars:
        colour = budget_colour(timeline.budgets.index(bar.budget), len(timeline.budgets))
        pending, crashed = bar.state == "unfinished", bar.state == "crashed"
        ax.barh(
            bar.lane + 1,
            (bar.end - bar.start) / seconds,
            0.8,
            left=bar.start / seconds,
            facecolor="white" if pending or crashed else colour,
            edgecolor=colour if pending else CRASH if crashed else "white",
            linewidth=1.2 if pending or crashed else 0.3,
            hatch="//////" if pending else None,
            zorder=3 if crashed else 2,
        )
        if crashed:
            middle = (bar.start + bar.end) / 2 / seconds
            ax.plot(middle, bar.lane + 1, "x", color=CRASH, markersize=4, zorder=4)


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
    if "unfinished" in states:
        handles.append(
            Patch(facecolor="white", edgecolor="#555555", hatch="//////", label="at work now")
        )
    if timeline.losses:
        label = f"worker lost, trial run again ({len(timeline.losses)})"
        handles.append(Line2D([], [], color="black", marker="v", linestyle="none", label=label))
    columns = legend_columns([str(handle.get_label()) for handle in handles])
    figure.legend(handles=handles, loc="outside lower center", ncols=columns)
