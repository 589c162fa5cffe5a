"""Draws the cells that a study found, from input to output."""

from __future__ import annotations

import plotly.graph_objects as go

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.cells import CellDrawing, found_cells
from oneshot_hpo.experiments.pages import chart_style as style
from oneshot_hpo.experiments.pages.chart import Chart, NoChart, plain
from oneshot_hpo.experiments.pages.values import epochs
from oneshot_hpo.experiments.report.charts.hover import sentence
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.wording import called

_COLOURS = {
    "conv 1×1": "#f3d08a",
    "conv 3×3": "#9fc9ea",
    "max pool": "#b4dcc6",
    "avg pool": "#b4dcc6",
}
_OTHER = "#d5d8dd"
_HEIGHT, _MARGIN, _HALF_BOX = 380, 8, 14  # pixels
_INK = "#1a1d23"  # on these colours, on light and dark pages


def charts(study: OpenedStudy) -> list[Chart | NoChart]:
    """The cells of default and incumbent, or the reason why there is none."""
    try:
        cells = found_cells(study)
        if not cells:
            raise NotEnoughData(f"{study.source}: no cell at the largest budget yet")
    except NotEnoughData as error:
        return [NoChart("cells", "", sentence(str(error), study))]
    return [_chart(cell) for cell in cells]


def _chart(cell: CellDrawing) -> Chart:
    # Downwards: a narrow page has no room for the names of seven layers side by side.
    places = [(row, -layer) for layer, row in cell.positions]
    figure = go.Figure()
    layers = [y for _, y in places]
    bottom, top = min(layers) - 0.5, max(layers) + 0.5
    edge = _HALF_BOX * (top - bottom) / (_HEIGHT - 2 * _MARGIN)  # from a box's middle to its edge

    for start, end in cell.edges:
        (x0, y0), (x1, y1) = places[start], places[end]
        figure.add_annotation(
            x=x1, y=y1 + edge, ax=x0, ay=y0 - edge, xref="x", yref="y", axref="x", ayref="y",
            showarrow=True, arrowhead=2, arrowsize=1.1, arrowwidth=1.6, arrowcolor=style.QUIET,
            text="",
        )  # fmt: skip

    for (x, y), operation in zip(places, cell.operations, strict=True):
        name = called(operation)
        figure.add_annotation(
            x=x, y=y, text=plain(name), showarrow=False, bgcolor=_COLOURS.get(name, _OTHER),
            borderpad=6,
            font={"color": _INK, "size": 12}, hovertext=plain(operation),
        )  # fmt: skip

    rows = [x for x, _ in places]
    hidden = {"visible": False, "fixedrange": True}
    figure.update_layout(
        xaxis=hidden | {"range": [min(rows) - 0.8, max(rows) + 0.8]},
        yaxis=hidden | {"range": [bottom, top]},
        showlegend=False,
        margin=dict.fromkeys("lrtb", _MARGIN),
    )

    caption = (
        f"Found by {_named(cell.key)}. "
        + (f"Trained on its own: {cell.errors}. " if cell.errors else "")
        + f"{cell.identity}."
    )
    return Chart(f"cell-{cell.title}", f"The {cell.title} cell", caption, figure, height=_HEIGHT)


def _named(key: str) -> str:
    name, budget = key.split("/")
    return f"{'the default' if name == 'baseline' else name} at {epochs(float(budget))}"
