"""Draws small pictures of cells, from input down to output, as SVG."""

from __future__ import annotations

import math
from collections.abc import Sequence

from markupsafe import Markup

from oneshot_hpo.experiments.numbers.cells import layered
from oneshot_hpo.experiments.wording import called
from oneshot_hpo.search_spaces.space import Drawing

_COLOURS = {
    "input": "#d5d8dd",
    "output": "#d5d8dd",
    "conv 3×3": "#9fc9ea",
    "conv 1×1": "#f3d08a",
    "max pool": "#b4dcc6",
    "avg pool": "#b4dcc6",
}
"""By what pages call a vertex."""
_OTHER = "#d9c8e8"
_BOX = (64, 22)
_STEP = (100, 44)
"""Distance of rows and of layers; like _BOX, the size of a vertex, in pixels."""


def words(used: Sequence[str], operations: Sequence[str]) -> str:
    """The operations used in a cell, in the space's order: "2 conv 3×3, 1 max pool"."""
    counts = [(used.count(name), called(name)) for name in operations]
    return ", ".join(f"{count} {name}" for count, name in counts if count) or "none"


def picture(cell: Drawing) -> Markup:
    """The drawing as SVG; screen readers read its operations and edges."""
    edges = cell.edges
    places = layered(len(cell.labels), edges)
    left = min(row for _, row in places)
    points = [
        (_BOX[0] / 2 + 4 + (row - left) * _STEP[0], _BOX[1] / 2 + 4 + layer * _STEP[1])
        for layer, row in places
    ]

    width = max(x for x, _ in points) + _BOX[0] / 2 + 4
    height = max(y for _, y in points) + _BOX[1] / 2 + 4
    spoken = ", ".join(f"{start} to {end}" for start, end in edges)

    parts = [
        Markup('<svg class="cell" role="img" width="{}" height="{}" viewBox="0 0 {} {}">').format(
            round(width), round(height), round(width), round(height)
        ),
        Markup("<title>{}; edges {}</title>").format(
            ", ".join(f"{n} {called(name)}" for n, name in enumerate(cell.labels)), spoken
        ),
    ]

    parts += [_arrow(points[start], points[end]) for start, end in edges]
    for (x, y), name in zip(points, cell.labels, strict=True):
        parts.append(
            Markup(
                '<rect x="{:.0f}" y="{:.0f}" width="{}" height="{}" rx="5" fill="{}"/>'
                '<text x="{:.0f}" y="{:.0f}">{}</text>'
            ).format(
                x - _BOX[0] / 2,
                y - _BOX[1] / 2,
                *_BOX,
                _COLOURS.get(called(name), _OTHER),
                x,
                y + 4,
                called(name),
            )
        )
    return Markup("").join([*parts, Markup("</svg>")])


def _arrow(start: tuple[float, float], end: tuple[float, float]) -> Markup:
    """From the lower side of one box to the upper side of another, with a head."""
    (x0, y0), (x1, y1) = start, end
    y0, y1 = y0 + _BOX[1] / 2, y1 - _BOX[1] / 2 - 2
    angle = math.atan2(y1 - y0, x1 - x0)
    wings = [
        (x1 - 7 * math.cos(angle + turn), y1 - 7 * math.sin(angle + turn)) for turn in (0.45, -0.45)
    ]
    return Markup(
        '<path d="M{:.1f} {:.1f}L{:.1f} {:.1f}M{:.1f} {:.1f}L{:.1f} {:.1f}L{:.1f} {:.1f}"/>'
    ).format(x0, y0, x1, y1, *wings[0], x1, y1, *wings[1])
