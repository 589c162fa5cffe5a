"""The charts of an atlas: a space of any size in bins, with marked cells on top."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from oneshot_hpo.experiments.atlas.space_map import SpaceMap
from oneshot_hpo.experiments.figures.colours import Look
from oneshot_hpo.experiments.pages import chart_style as style
from oneshot_hpo.experiments.pages.chart import Chart, plain

_BARS = 90
_CELLS_ACROSS, _CELLS_UP = 70, 50  # bins of a map
_LINE_POINTS = 300
_SHOWN = 0.75  # share of the cells, the better ones, that maps are drawn for
_INK = "#1f5fa8"
_NAMED = "#c0392b"


@dataclass(frozen=True)
class CellMarks:
    """Cells that are marked in every chart."""

    label: str
    """Their name in the legend."""
    cells: Sequence[int]
    look: Look | None
    """The look of a study; None for cells that the user named."""

    @property
    def marker(self) -> dict:
        """The marker in plotly's terms."""
        if self.look is not None:
            return style.marker(self.look)
        return {"color": _NAMED, "symbol": "star", "size": 12}


def charts_of(space: SpaceMap, marked: Sequence[CellMarks]) -> list[Chart]:
    """The distribution of errors, the best errors, and one or, if sizes are known, two maps."""
    charts = [
        _distribution(space, marked),
        _ranks(space, marked),
        _map(
            space,
            marked,
            name="validation-test",
            title="Validation and test error",
            x=100 * space.valid,
            x_title="mean validation error, %",
            caption="The stronger the colour, the more cells. Searches choose on validation; the "
            "lowest cell is the best on test.",
        ),
    ]

    if space.parameters is not None:
        charts.append(
            _map(
                space,
                marked,
                name="parameters-test",
                title="Size and test error",
                x=np.log10(space.parameters),
                x_title="trainable parameters",
                caption="The stronger the colour, the more cells.",
                powers_of_ten=True,
            )
        )
    return charts


def _distribution(space: SpaceMap, marked: Sequence[CellMarks]) -> Chart:
    errors = 100 * space.test
    counts, edges = np.histogram(errors, _BARS)
    there = counts > 0
    middles = (edges[:-1] + edges[1:]) / 2

    figure = go.Figure(
        go.Bar(
            x=style.numbers(middles[there]),
            y=counts[there].tolist(),
            width=float(edges[1] - edges[0]),
            marker={"color": _INK, "opacity": 0.55, "line": {"width": 0}},
            name="all cells",
            customdata=[
                f"{low:.2f} to {high:.2f} %"
                for low, high in zip(edges[:-1][there], edges[1:][there], strict=True)
            ],
            hovertemplate="%{y} cells with %{customdata}<extra></extra>",
        )
    )

    for one in marked:
        bins = np.clip(np.digitize(errors[one.cells], edges) - 1, 0, _BARS - 1)
        figure.add_trace(_points(space, one, errors[one.cells], counts[bins]))

    figure.update_layout(
        xaxis={"title": {"text": "mean test error, %"}},
        yaxis={"type": "log", "title": {"text": "cells"}, "dtick": 1, "exponentformat": "none"},
        bargap=0,
        hovermode="closest",
    )
    return Chart(
        "errors",
        "How errors are distributed",
        f"Mean test errors of all {len(errors):,} cells in {_BARS} bins; numbers of cells on a "
        "logarithmic axis. A marked cell is drawn on the bar that counts it.",
        figure,
    )


def _ranks(space: SpaceMap, marked: Sequence[CellMarks]) -> Chart:
    regrets = 100 * np.sort(space.regrets)
    positive = regrets[regrets > 0]
    floor = float(positive[0]) / 2 if len(positive) else 0.01
    chosen = np.unique(np.geomspace(1, len(regrets), _LINE_POINTS).round().astype(int))

    figure = go.Figure(
        go.Scatter(
            x=chosen.tolist(),
            y=style.numbers(np.maximum(regrets[chosen - 1], floor)),
            mode="lines",
            line={"color": _INK, "width": 2},
            name="all cells",
            hovertemplate="rank %{x}: %{y} points above the best<extra></extra>",
        )
    )

    caption = (
        "Every cell by its rank, both axes logarithmic; the best cell's regret of 0 is drawn at "
        f"{floor:.2g}."
    )
    if space.difference_noise is not None:
        noise = 100 * space.difference_noise
        figure.add_hline(y=noise, line={"color": style.QUIET, "dash": "dash", "width": 1.5})
        caption += (
            f" Dashed: {noise:.2f} points, the standard error of the difference of two cells with "
            f"{space.repeats.shape[1]} seeds each."
        )

    for one in marked:
        heights = np.maximum(100 * space.regrets[one.cells], floor)
        figure.add_trace(_points(space, one, space.ranks[one.cells], heights))

    figure.update_layout(
        xaxis={"type": "log", "title": {"text": "rank on test"}, "dtick": 1},
        yaxis={
            "type": "log",
            "title": {"text": "test regret, points"},
            "dtick": 1,
            "exponentformat": "none",
        },
        hovermode="closest",
    )
    return Chart("ranks", "How good are the best", caption, figure)


def _map(
    space: SpaceMap,
    marked: Sequence[CellMarks],
    *,
    name: str,
    title: str,
    x: np.ndarray,
    x_title: str,
    caption: str,
    powers_of_ten: bool = False,
) -> Chart:
    """The better cells, binned by x and test error; marked ones are always shown."""
    y = 100 * space.test
    numbers = np.unique([cell for one in marked for cell in one.cells]).astype(int)
    shown = np.union1d(np.flatnonzero(y <= np.quantile(y, _SHOWN)), numbers)
    counts, across, up = np.histogram2d(x[shown], y[shown], (_CELLS_ACROSS, _CELLS_UP))
    middles = [(edges[:-1] + edges[1:]) / 2 for edges in (across, up)]
    shades = np.where(counts > 0, np.log10(np.maximum(counts, 1)), np.nan).T
    columns = 10 ** middles[0] if powers_of_ten else middles[0]

    figure = go.Figure(
        go.Heatmap(
            x=style.numbers(columns),
            y=style.numbers(middles[1]),
            z=[style.numbers(row) for row in shades],
            customdata=counts.T.astype(int).tolist(),
            colorscale=[[0, "rgba(31,95,168,0.18)"], [1, "rgba(31,95,168,1)"]],
            showscale=False,
            hoverongaps=False,
            hovertemplate="%{customdata} cells near %{x:.4g}, %{y:.2f} %<extra></extra>",
        )
    )

    for one in marked:
        places = x[one.cells]
        figure.add_trace(_points(space, one, 10**places if powers_of_ten else places, y[one.cells]))

    figure.update_layout(
        xaxis={"title": {"text": x_title}, "type": "log" if powers_of_ten else "linear"},
        yaxis={"title": {"text": "mean test error, %"}},
        hovermode="closest",
    )
    if powers_of_ten:
        ticks = [
            step * 10**power
            for power in range(10)
            for step in (1, 2, 5)
            if columns[0] <= step * 10**power <= columns[-1]
        ]
        figure.update_xaxes(tickvals=ticks, ticktext=[_short(tick) for tick in ticks])

    left = len(y) - len(shown)
    caption += f" {left:,} of the worst cells are left out." if left else ""
    return Chart(name, title, caption, figure)


def _short(count: int) -> str:
    """2000 as 2k, 5000000 as 5M."""
    for size, letter in ((1_000_000, "M"), (1_000, "k")):
        if count >= size:
            return f"{count / size:g}{letter}"
    return str(count)


def _points(space: SpaceMap, one: CellMarks, x: np.ndarray, y: np.ndarray) -> go.Scatter:
    """Marked cells; a click on one leads to its section of the page."""
    hover = [
        f"<b>{space.hashes[cell][:8]}</b><br>test error {100 * space.test[cell]:.2f} %<br>"
        f"rank {space.ranks[cell]:,} of {len(space.ranks):,}"
        for cell in one.cells
    ]
    return go.Scatter(
        x=style.numbers(x),
        y=style.numbers(y),
        mode="markers",
        marker=one.marker,
        name=plain(one.label),
        customdata=[f"about-{space.hashes[cell]}" for cell in one.cells],
        text=hover,
        hovertemplate="%{text}<extra></extra>",
    )
