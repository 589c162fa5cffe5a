"""Cells as graphs from left to right."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import BoxStyle, FancyArrowPatch, FancyBboxPatch

from oneshot_hpo.experiments.figures.style import WIDTH, new_figure
from oneshot_hpo.experiments.numbers.cells import BOX, CellDrawing
from oneshot_hpo.experiments.wording import called

_LABELS = {
    "maxpool3x3": "max pool\n3 × 3",
    "avg_pool_3x3": "avg pool\n3 × 3",
}
_COLOURS = {
    "conv 3×3": "#9ecae9",
    "conv 1×1": "#d7ebf7",
    "max pool": "#f5c98a",
    "avg pool": "#f5c98a",
}
"""By what people call an operation."""
_LAYER, _ROW = 1.55, 1.0  # distances of layers and rows
_BOX = (BOX[0] * _LAYER, BOX[1] * _ROW)


def draw_cells(cells: Sequence[CellDrawing]) -> Figure:
    """Each cell in a panel of its own, all on the same scale."""
    spans = [max(x for x, _ in cell.positions) * _LAYER + 1.3 for cell in cells]
    rows = [[y for _, y in cell.positions] for cell in cells]
    low, high = min(map(min, rows)), max(map(max, rows))
    scale = min(0.5, WIDTH / sum(spans))
    height = ((high - low) * _ROW + 1.1) * scale * 1.05 + 0.45
    figure = new_figure(height, max(3.0, sum(spans) * scale))
    panels = figure.subplots(1, len(cells), squeeze=False, width_ratios=spans)[0]
    same = len({cell.cell_key for cell in cells}) < len(cells)
    for ax, cell, span in zip(panels, cells, spans, strict=True):
        _draw(ax, cell)
        ax.set_xlim(-0.65, span - 0.65)
        ax.set_ylim(low * _ROW - 0.45, high * _ROW + 0.45)
        ax.set_aspect("equal")
        ax.set_axis_off()
        words = f"{cell.title} (trial {cell.key})" + (", the same cell" if same else "")
        errors = cell.errors.replace(" error", "")
        ax.set_title(f"{words}\n{errors}")
    return figure


def _draw(ax: Axes, cell: CellDrawing) -> None:
    boxes = []
    for name, (layer, row) in zip(cell.operations, cell.positions, strict=True):
        width, height = _BOX
        x, y = layer * _LAYER, row * _ROW
        box = FancyBboxPatch(
            (x - width / 2, y - height / 2),
            width,
            height,
            boxstyle=BoxStyle.Round(pad=0, rounding_size=0.14),
            facecolor=_COLOURS.get(called(name), "white"),
            edgecolor="black",
            linewidth=0.9,
            zorder=3,
        )
        ax.add_patch(box)
        label = _LABELS.get(name) or called(name).replace(" ", "\n").replace("×", " × ")
        ax.text(x, y, label, ha="center", va="center", fontsize=7, zorder=4)
        boxes.append(box)

    for start, end in cell.edges:
        (x0, y0), (x1, y1) = (cell.positions[vertex] for vertex in (start, end))
        arrow = FancyArrowPatch(
            (x0 * _LAYER + _BOX[0] / 2, y0 * _ROW),
            (x1 * _LAYER - _BOX[0] / 2, y1 * _ROW),
            arrowstyle="-|>",
            mutation_scale=8,
            linewidth=1,
            color="#333333",
            shrinkA=0,
            shrinkB=0.5,
            zorder=2,
        )
        ax.add_patch(arrow)
