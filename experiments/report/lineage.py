"""The lineage of a study: a drawing of the studies and runs with whose results its model began."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from oneshot_hpo.experiments.pages.table import Cell, Column, Row, Table
from oneshot_hpo.experiments.pages.values import count
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.sources import Source, reasons
from oneshot_hpo.experiments.warm_start.display import ORDER_ONLY, change_words

_WIDTH, _HEIGHT, _GAP, _BETWEEN = 190, 48, 18, 115
"""Of a box, and the free space below it and to its right, in pixels."""
_LETTERS = 24
"""Letters of a name that fit into a box."""
_BEND = 34
"""How far below the boxes an arrow passes for each column that it leaps, in pixels."""
_SHOWN = 12
"""Digits of a checksum."""


@dataclass(frozen=True)
class Lineage:
    """What the page says about where a study's first results come from."""

    drawing: Markup
    table: Table
    notes: Sequence[str]


@dataclass(frozen=True)
class _Edge:
    """Results of one study that another began with."""

    source: str
    target: str
    label: str


@dataclass
class _Box:
    """A study in the drawing."""

    name: str
    kind: str
    column: int = 0
    """Its distance from the page's study: the longest way, so that arrows lead to the right."""


def read(study: OpenedStudy) -> Lineage | None:
    """The lineage of a study; None if its model began with nothing."""
    if not study.sources:
        return None
    has_ranks = any(one.order_only for one in study.sources)
    notes = [f"{ORDER_ONLY[0].upper()}{ORDER_ONLY[1:]}."] if has_ranks else []
    return Lineage(_drawing(study), _table(study.sources), notes)


def _table(sources: Sequence[Source]) -> Table:
    headings = ("study", "kind", "results", "taken over", "losses", "left out", "changes")
    return Table(
        name="lineage-table",
        caption="Studies and runs with whose results the model began",
        columns=[
            *(Column(one, numeric=one in ("results", "taken over")) for one in headings),
            Column("checksum", hint="of its results, their configurations, budgets and losses"),
            Column("folder", hint="where it was"),
        ],
        rows=[Row(_cells(source)) for source in sources],
        sortable=False,
    )


def _cells(source: Source) -> list[Cell]:
    return [
        Cell(source.name),
        Cell(_kind(source)),
        count(source.results),
        count(source.taken),
        Cell("order only" if source.order_only else "as they are"),
        Cell(reasons(source.left_out)),
        Cell("; ".join(change_words(source))),
        Cell((source.checksum or "")[:_SHOWN]),
        Cell(source.folder),
    ]


def _kind(source: Source) -> str:
    return "study" if source.kind == "study" else "HpBandSter run"


def _drawing(study: OpenedStudy) -> Markup:
    """Boxes from the oldest study on the left to this one on the right, with arrows."""
    boxes = {study.identity: _Box(study.name, "this study")}
    edges: dict[tuple[str, str], _Edge] = {}
    _collect(study.identity, study.sources, boxes, edges)

    columns: dict[int, list[str]] = defaultdict(list)
    for key, box in boxes.items():
        columns[box.column].append(key)
    deepest, tallest = max(columns), max(map(len, columns.values()))
    places = {}
    for column, keys in columns.items():
        x = (deepest - column) * (_WIDTH + _BETWEEN)
        free = (tallest - len(keys)) * (_HEIGHT + _GAP) / 2
        for row, key in enumerate(keys):
            places[key] = (x, free + row * (_HEIGHT + _GAP))

    width = deepest * (_WIDTH + _BETWEEN) + _WIDTH
    leaps = {one: boxes[one.source].column - boxes[one.target].column - 1 for one in edges.values()}
    height = tallest * (_HEIGHT + _GAP) - _GAP + _BEND * max(leaps.values())
    parts = [
        Markup(
            '<svg class="lineage" role="img" width="{0}" height="{1}" viewBox="-1 -1 {2} {3}">'
            "<title>{4}</title>"
        ).format(width + 2, height + 2, width + 2, height + 2, _in_words(boxes, edges))
    ]
    for edge, leap in leaps.items():
        ends = places[edge.source], places[edge.target]
        parts.append(_bent_arrow(*ends, edge, leap) if leap else _arrow(*ends, edge))
    parts += [_box(places[key], box) for key, box in boxes.items()]
    return Markup("").join([*parts, Markup("</svg>")])


def _collect(
    target: str,
    sources: Sequence[Source],
    boxes: dict[str, _Box],
    edges: dict[tuple[str, str], _Edge],
    column: int = 1,
) -> None:
    """Add the sources of a study, and theirs; a study that several began with is drawn once."""
    for source in sources:
        box = boxes.setdefault(source.key, _Box(source.name, _kind(source)))
        box.column = max(box.column, column)
        label = f"{source.taken} of {source.results}" + (", order" if source.order_only else "")
        edges[source.key, target] = _Edge(source.key, target, label)
        _collect(source.key, source.sources, boxes, edges, column + 1)


def _in_words(boxes: dict[str, _Box], edges: dict[tuple[str, str], _Edge]) -> str:
    """The drawing for those who do not see it."""
    said = (
        f"{boxes[edge.target].name} began with {edge.label} results of {boxes[edge.source].name}"
        for edge in edges.values()
    )
    return "; ".join(said)


def _box(place: tuple[float, float], box: _Box) -> Markup:
    x, y = place
    name = box.name if len(box.name) <= _LETTERS else f"{box.name[: _LETTERS - 1]}…"
    return Markup(
        '<g><title>{6}</title><rect x="{0}" y="{1}" width="{2}" height="{3}" rx="6"/>'
        '<text x="{4}" y="{5}">{7}</text><text class="kind" x="{4}" y="{8}">{9}</text></g>'
    ).format(
        x, y, _WIDTH, _HEIGHT, x + _WIDTH / 2, y + 20, box.name, name, y + 37, box.kind
    )  # fmt: skip


def _arrow(start: tuple[float, float], end: tuple[float, float], edge: _Edge) -> Markup:
    x, y = start[0] + _WIDTH, start[1] + _HEIGHT / 2
    to_x, to_y = end[0], end[1] + _HEIGHT / 2
    return Markup(
        '<path d="M{0} {1}L{2} {3}"/><path class="head" d="M{2} {3}l-8 -4v8z"/>'
        '<text class="kind" x="{4}" y="{5}">{6}</text>'
    ).format(x, y, to_x, to_y, (x + to_x) / 2, (y + to_y) / 2 - 6, edge.label)


def _bent_arrow(
    start: tuple[float, float], end: tuple[float, float], edge: _Edge, leap: int
) -> Markup:
    """An arrow that passes below the boxes between, from lower side to lower side."""
    x, y = start[0] + 0.7 * _WIDTH, start[1] + _HEIGHT
    to_x, to_y = end[0] + 0.3 * _WIDTH, end[1] + _HEIGHT
    low = max(y, to_y) + _BEND * leap * 4 / 3  # a curve reaches three quarters of its handles
    return Markup(
        '<path d="M{0} {1}C{0} {4} {2} {4} {2} {3}"/><path class="head" d="M{2} {3}l-4 8h8z"/>'
        '<text class="kind" x="{5}" y="{6}">{7}</text>'
    ).format(
        x, y, to_x, to_y, low, (x + to_x) / 2, (y + to_y) / 8 + 0.75 * low - 6, edge.label
    )  # fmt: skip
