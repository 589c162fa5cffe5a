"""Every configuration as a line over parallel axes; pages/assets/parallel.js brushes them."""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.configurations import AxisScale, configurations
from oneshot_hpo.experiments.objectives.section import axis_label
from oneshot_hpo.experiments.pages import chart_style as style
from oneshot_hpo.experiments.pages.chart import Chart, plain
from oneshot_hpo.experiments.report.charts.trials import Trials
from oneshot_hpo.experiments.report.trials import TRIALS

TITLE = "Every configuration"
_OFF = -0.1
"""Height of a line at the axis of an inactive hyperparameter."""
_CRASH = 1.1
"""Height at which the line of a crash ends, above the worst error."""
_LINE = 13  # letters that fit over an axis
_COLOURS = ["#0072b2", "#c9a227", "#c8553d"]
_Axis = tuple[str, np.ndarray, list[tuple[float, str]]]  # name, places in [0, 1], ticks


def chart(trials: Trials) -> Chart:
    """A line per configuration. NotEnoughData: nothing was tuned, or every trial crashed."""
    found = configurations(trials.source)
    if found.crashed.all():
        raise NotEnoughData(f"{trials.source.source}: every trial crashed, there are no errors")
    keys = [
        trials.last_at(name, budget) for name, budget in zip(found.keys, found.budgets, strict=True)
    ]

    axes = [_hyperparameter(axis, found.places[:, d]) for d, axis in enumerate(found.axes)]
    axes += [_budgets(found.budgets), _errors(found.losses, found.measure)]

    figure = go.Figure()
    colours = sample_colorscale(_COLOURS, _ranks(found.losses))
    anchors, said = trials.anchors(keys), trials.hover(keys)
    is_dense = len(keys) > 60

    for row in np.argsort(-found.losses, kind="stable"):  # the best on top
        figure.add_scatter(
            name=keys[row],
            x=list(range(len(axes))),
            y=style.numbers(places[row] for _, places, _ in axes),
            mode="lines+markers",
            line={"color": colours[row], "width": 1 if is_dense else 1.6},
            marker={"size": 3 if is_dense else 5},
            opacity=0.7 if is_dense else 1,
            customdata=[anchors[row]] * len(axes),
            hovertext=said[row],
            hoverinfo="text",
        )

    _draw_axes(figure, axes)
    caption = (
        "Each line is a configuration at its largest budget, from blue for the lowest "
        f"{found.measure} to red. Draw a box over an axis to choose a range, and over more axes to "
        "narrow it: "
        "the table of trials then shows only these. A double click clears the choice."
    )
    return Chart(
        "parallel",
        TITLE,
        caption,
        figure,
        height=440,
        least_width=92 * len(axes),
        broad=True,
        chooses=TRIALS,
    )


def _hyperparameter(axis: AxisScale, places: np.ndarray) -> _Axis:
    top = max(1.0, *(place for place, _ in axis.ticks))  # a category's place is its number
    ticks = [(place / top, text) for place, text in axis.ticks]
    if np.isnan(places).any():
        ticks.append((_OFF, "inactive"))
    return axis.name, np.where(np.isnan(places), _OFF, places / top), ticks


def _budgets(budgets: np.ndarray) -> _Axis:
    known, place = np.unique(budgets, return_inverse=True)
    top = max(len(known) - 1, 1)
    return "epochs", place / top, [(n / top, f"{budget:g}") for n, budget in enumerate(known)]


def _errors(losses: np.ndarray, measure: str) -> _Axis:
    finite = losses[np.isfinite(losses)]
    low, width = finite.min(), max(np.ptp(finite), 1e-9)
    ticks = [(share, f"{100 * (low + share * width):.1f}") for share in (0, 0.25, 0.5, 0.75, 1)]
    if len(finite) < len(losses):
        ticks.append((_CRASH, "crash"))
    places = np.where(np.isfinite(losses), (losses - low) / width, _CRASH)
    return axis_label(measure), places, ticks


def _ranks(losses: np.ndarray) -> list[float]:
    """Ranks in [0, 1], 0 for the lowest; errors are too skewed to colour by size."""
    ranks = np.searchsorted(np.sort(losses), losses)
    return (ranks / max(len(losses) - 1, 1)).tolist()


def _draw_axes(figure: go.Figure, axes: list[_Axis]) -> None:
    all_ends = [place for _, _, ticks in axes for place, _ in ticks]
    for number, (name, _, ticks) in enumerate(axes):
        figure.add_annotation(
            x=number, y=1, yref="paper", yanchor="bottom", text=_folded(name), showarrow=False,
        )  # fmt: skip
        ends = [place for place, _ in ticks]
        figure.add_shape(
            type="line", x0=number, x1=number, y0=min(ends), y1=max(ends), layer="below",
            line={"color": style.QUIET, "width": 1},
        )  # fmt: skip
        for place, text in ticks:
            figure.add_annotation(
                x=number, y=place, text=plain(text), showarrow=False, xanchor="right", xshift=-6,
                font={"size": 11}, borderpad=1,
            )  # fmt: skip

    figure.update_layout(
        xaxis={
            "visible": False,
            "range": [-0.45, len(axes) - 0.75],
        },
        yaxis={"visible": False, "range": [min(all_ends) - 0.05, max(all_ends) + 0.05]},
        showlegend=False,
        dragmode="select",
        hovermode="closest",
        hoverdistance=10,
        margin={"l": 10, "r": 40, "t": 48, "b": 8},
    )


def _folded(name: str) -> str:
    """A name broken into short lines at its underscores."""
    lines = [""]
    for part in name.replace("_", "_ ").split(" "):
        if len(lines[-1]) + len(part) > _LINE:
            lines.append("")
        lines[-1] += part if lines[-1].endswith("_") or not lines[-1] else f" {part}"
    return "<br>".join(plain(line) for line in lines if line)
