"""Draws one-shot validation error and the cell's test error, epoch by epoch."""

from __future__ import annotations

from typing import Any

from plotly.subplots import make_subplots

from oneshot_hpo.experiments.figures.colours import Look, looks
from oneshot_hpo.experiments.numbers.sources import Sources
from oneshot_hpo.experiments.numbers.spread import Spread
from oneshot_hpo.experiments.numbers.trajectories import Trajectory, trajectories
from oneshot_hpo.experiments.pages import chart_style as style
from oneshot_hpo.experiments.pages.chart import Chart, plain
from oneshot_hpo.experiments.report.charts.hover import noted


def chart(sources: Sources) -> Chart:
    """The trajectories of tuned and default. NotEnoughData: there are no epochs to show."""
    space = sources.one_space
    found = trajectories(sources, space)
    figure = make_subplots(rows=2, cols=1, shared_xaxes=True, vertical_spacing=0.07)
    looked = looks([trajectory.method for trajectory in found.found])

    for trajectory in found.found:
        look = looked[trajectory.method]
        for row, spread in enumerate((trajectory.one_shot, trajectory.test), start=1):
            for trace in _traces(trajectory, spread, look, is_first=row == 1):
                figure.add_trace(trace, row=row, col=1)

    figure.update_layout(
        xaxis2={"title": {"text": "epoch"}},
        yaxis={"title": {"text": "one-shot error, %"}, "rangemode": "tozero"},
        yaxis2={"title": {"text": "test error of the cell, %"}, "rangemode": "tozero"},
        hovermode="closest",
    )

    confirmed = all(trajectory.confirmed for trajectory in found.found)
    of_what = (
        "over the seeds of the confirmation"
        if confirmed
        else "; without a confirmation each is a single search"
    )
    caption = (
        "Above, the validation error of the supernet; below, the test error that the cell of that "
        f"epoch has when it is trained on its own. Median and quartiles {of_what}."
    ).replace(" ;", ";")
    caption = noted(caption, found.notes, sources.studies[0])
    return Chart("trajectories", "Epoch by epoch", caption, figure, height=520)


def _traces(
    trajectory: Trajectory, spread: Spread, look: Look, *, is_first: bool
) -> list[dict[str, Any]]:
    x = style.numbers(spread.x)
    group = trajectory.label
    traces = []
    if spread.count > 1:
        low, high = style.percents(spread.low), style.percents(spread.high)
        traces = style.band(x, low, high, look.colour, legendgroup=group)
    middle = {
        "type": "scatter",
        "name": plain(group),
        "legendgroup": group,
        "showlegend": is_first,
        "x": x,
        "y": style.percents(spread.median),
        "mode": "lines+markers" if len(x) <= 30 else "lines",
        "line": style.line(look),
        "marker": style.marker(look) | {"size": 6},
        "hovertemplate": f"<b>{plain(group)}</b><br>epoch %{{x}}: %{{y:.2f}} %<extra></extra>",
    }
    return [*traces, middle]
