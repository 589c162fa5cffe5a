"""Draws how a search decides, epoch by epoch: the numbers of its diagnosis."""

from __future__ import annotations

from typing import Any

from plotly.subplots import make_subplots

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.pages import chart_style as style
from oneshot_hpo.experiments.pages.chart import Chart
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.searchers.diagnosis import numbers

TITLE = "How decided, epoch by epoch"

_ROWS = {
    "entropy": "entropy of the choices",
    "parameter_free": "parameter-free operations",
    "distance": "distance from the start",
    "eigenvalue": "eigenvalue",
}
"""What is drawn where some epoch has it, from above."""


def chart(study: OpenedStudy) -> Chart:
    """The default's and the tuned search. NotEnoughData: neither has recorded a diagnosis."""
    found = {"default": study.view.baseline, "tuned": study.tuned}
    curves = {
        name: [(record["epoch"], numbers(record)) for record in study.epochs(pair[0])]
        for name, pair in found.items()
        if pair is not None
    }
    shown = [
        row for row in _ROWS if any(own[row] is not None for c in curves.values() for _, own in c)
    ]
    if not shown:
        raise NotEnoughData(
            f"{study.source}: neither the default's search nor the tuned one has recorded how "
            "decided its choices are: an earlier version did not"
        )

    figure = make_subplots(rows=len(shown), cols=1, shared_xaxes=True, vertical_spacing=0.06)
    for place, (name, records) in enumerate(curves.items()):
        colour = style.budget_colour(place)
        for row, key in enumerate(shown, start=1):
            known = [(epoch, own[key]) for epoch, own in records if own[key] is not None]
            figure.add_scatter(
                name=name,
                legendgroup=name,
                showlegend=row == 1,
                x=[epoch for epoch, _ in known],
                y=[value for _, value in known],
                mode="lines+markers",
                line={"color": colour, "width": 2},
                marker={"color": colour, "size": 5},
                hovertemplate=f"<b>{name}</b>, epoch %{{x}}<br>{_ROWS[key]} %{{y:.3g}}"
                "<extra></extra>",
                row=row,
                col=1,
            )

    axes: dict[str, Any] = {
        f"yaxis{row if row > 1 else ''}": {"title": {"text": _label(key)}, "rangemode": "tozero"}
        for row, key in enumerate(shown, start=1)
    }
    axes[f"xaxis{len(shown) if len(shown) > 1 else ''}"] = {"title": {"text": "epoch"}}
    figure.update_layout(**axes, hovermode="closest")
    caption = (
        "Entropy is the mean over the choices as a share of that of equal probabilities: 1 is "
        "undecided, 0 is certain. Parameter-free operations are a share of those of the cell that "
        "the search would end with; the distance is that of the architecture's weights (L2)."
    )
    return Chart("decisions", TITLE, caption, figure, height=140 + 150 * len(shown))


def _label(row: str) -> str:
    """A row's name in two lines: a row is lower than its name is long."""
    return _ROWS[row].replace(" ", "<br>", 1)
