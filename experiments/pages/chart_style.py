"""The style of charts: methods as in all figures, budgets by colour and marker."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from oneshot_hpo.experiments.figures.colours import Look

QUIET = "#868d98"
"""Colour of the background parts of a chart, on light and dark pages."""

_MARKERS = {
    "triangle": "triangle-up",
    "down": "triangle-down",
    "left": "triangle-left",
    "right": "triangle-right",
    "plus": "cross",
    "hexagon_flat": "hexagon2",
    "lozenge": "diamond-tall",
    "cross": "x",
}
_BUDGETS = (
    ("#e69f00", "circle"),
    ("#009e73", "diamond"),
    ("#0072b2", "square"),
    ("#cc79a7", "triangle-up"),
    ("#d55e00", "cross"),
    ("#767676", "x"),
)


def line(look: Look) -> dict[str, Any]:
    """A method's line."""
    width = 1.4 * look.width
    dash = ",".join(f"{part * width:.1f}px" for part in look.dashes)
    return {"color": look.colour, "width": width, "dash": dash or "solid"}


def marker(look: Look) -> dict[str, Any]:
    """A method's marker."""
    symbol = _MARKERS.get(look.marker, look.marker)
    return {
        "color": look.colour,
        "symbol": symbol if look.filled else f"{symbol}-open",
        "size": 9,
        "line": {"color": look.colour, "width": 1.5},
    }


def budget_colour(place: int) -> str:
    """The colour of the budget number `place`, the smallest first."""
    return _BUDGETS[place % len(_BUDGETS)][0]


def budget_marker(place: int) -> dict[str, Any]:
    """Its marker."""
    colour, symbol = _BUDGETS[place % len(_BUDGETS)]
    return {"color": colour, "symbol": symbol, "size": 8}


def faint(colour: str) -> str:
    """A colour through which others are seen."""
    return f"{colour}38"


def numbers(values: Iterable[float], scale: float = 1.0) -> list[float | None]:
    """Six digits of each; None, which is not drawn, for what is not finite."""
    return [float(f"{scale * v:.6g}") if math.isfinite(v) else None for v in map(float, values)]


def percents(values: Iterable[float]) -> list[float | None]:
    """Shares as percent or percentage points."""
    return numbers(values, 100)


def band(
    x: Sequence[float | None],
    low: Sequence[float | None],
    high: Sequence[float | None],
    colour: str,
    **where: Any,
) -> list[dict[str, Any]]:
    """Two traces with the room between them filled; it belongs to the legend group in `where`."""
    common = {
        "type": "scatter",
        "x": x,
        "mode": "lines",
        "line": {"width": 0, **where.pop("line", {})},
        "hoverinfo": "skip",
        "showlegend": False,
        **where,
    }
    return [
        common | {"y": low},
        common | {"y": high, "fill": "tonexty", "fillcolor": faint(colour)},
    ]
