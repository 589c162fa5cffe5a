"""A figure of a forecast: evaluations and brackets over time, and the time by workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from oneshot_hpo.experiments.figures.style import legend_below, new_figure, plain_log
from oneshot_hpo.experiments.forecast.command import StudyForecast
from oneshot_hpo.experiments.numbers.timeline import unit_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLOUR = "#0072b2"


def draw_forecast(found: StudyForecast) -> Figure:
    """Progress with an interval that holds nine of ten simulations, and alternatives."""
    figure = new_figure(2.6)
    progress, workers = figure.subplots(1, 2)
    _progress(progress, found)
    _workers(workers, found)
    legend_below(figure, progress)
    return figure


def _progress(ax: Axes, found: StudyForecast) -> None:
    moments = found.forecast.progress
    seconds, unit = unit_of(moments[-1].seconds)
    times = [0.0, *(one.seconds / seconds for one in moments)]
    total = found.forecast.planned_evaluations
    low, median, high = (
        [0.0, *(100 * getattr(one.evaluations, name) / total for one in moments)]
        for name in ("low", "median", "high")
    )
    ax.fill_between(times, low, high, color=_COLOUR, alpha=0.25, label="90 % of simulations")
    ax.plot(times, median, color=_COLOUR, label="evaluations")

    if found.forecast.planned_brackets:
        planned = found.forecast.planned_brackets
        shares = [0.0, *(100 * one.brackets.median / planned for one in moments)]
        ax.plot(times, shares, color="black", linestyle="--", label="brackets")
    ax.set_xlabel(f"time since the launch ({unit})")
    ax.set_ylabel("finished of all planned (%)")
    ax.set_ylim(0, 102)
    ax.set_xlim(0, times[-1])
    ax.grid()


def _workers(ax: Axes, found: StudyForecast) -> None:
    walls = found.advice.wall_by_workers
    seconds, unit = unit_of(max(walls.values()))
    ax.plot(list(walls), [wall / seconds for wall in walls.values()], "o-", color=_COLOUR)
    ax.set_xscale("log", base=2)
    ax.set_yscale("log")
    ax.set_xticks(list(walls), [str(number) for number in walls])
    ax.set_xlabel("workers")
    ax.set_ylabel(f"wall time ({unit})")
    plain_log(ax.yaxis)
    ax.grid()
