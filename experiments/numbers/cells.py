"""The cells that a study found, laid out in layers without an edge over a vertex."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.sources import successful_trials
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.wording import percent
from oneshot_hpo.hpo import Trial, TrialResult
from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.search_spaces.nasbench101.space import NasBench101Space

Point = tuple[float, float]

BOX = (0.68, 0.6)
"""Width of a vertex's box in layers, height in rows; edges keep clear of it."""
_ROWS = (0, 1, -1, 2, -2)
"""Rows for a vertex in its layer, the middle first."""
_MARGIN = 0.08  # rows between a box and an edge that passes it


@dataclass(frozen=True)
class CellDrawing:
    """A cell and the positions of its vertices."""

    title: str
    """"default" or "tuned"."""
    key: str
    """The trial that found it, "0-0-3/9"."""
    operations: tuple[str, ...]
    """V labels, "input" first, "output" last."""
    edges: tuple[tuple[int, int], ...]
    """From vertex to vertex."""
    positions: tuple[Point, ...]
    """V positions: layer from 0 (longest path from the input), row (0 is the middle)."""
    cell_key: str
    """Equal for isomorphic cells: NAS-Bench-101's hash, or another space's own key."""
    valid_error: float | None
    """Error of the cell trained on its own, in [0, 1], if known; `test_error` likewise."""
    test_error: float | None
    identity: str
    """The cell in words: NAS-Bench-101's hash, or its space's text."""

    @property
    def errors(self) -> str:
        """Its errors in words; empty if none is known."""
        known = (("validation", self.valid_error), ("test", self.test_error))
        return ", ".join(
            f"{words} error {percent(value)}" for words, value in known if value is not None
        )


def found_cells(study: OpenedStudy) -> list[CellDrawing]:
    """The default's cell, and the incumbent's if that is another trial.

    NotEnoughData: no trial has finished without a crash.
    """
    successful_trials(study)  # raises if there is none
    if study.lacks("document"):
        raise NotEnoughData(f"{study.source}: its results name no architecture")
    found = []
    baseline = study.view.baseline
    if baseline is not None and not baseline[1].crashed:
        found.append(_drawing(study, "default", *baseline))
    if study.tuned is not None:
        found.append(_drawing(study, "tuned", *study.tuned))
    return found


def _drawing(study: OpenedStudy, title: str, trial: Trial, result: TrialResult) -> CellDrawing:
    outcome = Outcome.from_result(result)
    space = get_space(study.spec.required_space)
    architecture = outcome.architecture(space)
    cell = space.drawing(architecture)
    if cell is None:
        raise NotEnoughData(f"{study.folder}: {space.title} has no drawings of its cells")
    key = space.key(architecture)
    return CellDrawing(
        title=title,
        key=trial.key,
        operations=cell.labels,
        edges=cell.edges,
        positions=layered(len(cell.labels), cell.edges),
        cell_key=key,
        valid_error=outcome.valid,
        test_error=outcome.test,
        identity=f"NAS-Bench-101's hash: {key}"
        if space.family == NasBench101Space.family
        else f"Cell: {space.text(architecture)}",
    )


def layered(vertices: int, edges: Sequence[tuple[int, int]]) -> tuple[Point, ...]:
    """Positions of a cell's vertices, with few crossings and no edge over a vertex.

    Layers are longest paths from the input (Sugiyama et al., 1981); rows within them are the best
    of all assignments, at most 3,125 for a cell of 7 vertices. Input and output are in the middle.
    """
    layers = [0] * vertices
    for start, end in edges:  # by ascending start, which is a topological order
        layers[end] = max(layers[end], layers[start] + 1)

    def cost(rows: Sequence[int]) -> tuple[int, int, int, int]:
        points = list(zip(layers, rows, strict=True))
        if len(set(points)) < vertices:
            return (vertices, 0, 0, 0)
        covered = sum(
            _covers(points[a], points[b], points[v])
            for a, b in edges
            for v in range(vertices)
            if v not in (a, b)
        )
        crossings = sum(
            _cross(points[a], points[b], points[c], points[d])
            for (a, b), (c, d) in itertools.combinations(edges, 2)
            if len({a, b, c, d}) == 4
        )
        length = sum((rows[a] - rows[b]) ** 2 for a, b in edges)
        return covered, crossings, length, abs(sum(rows))

    inner = itertools.product(_ROWS, repeat=vertices - 2)
    best = min(((0, *rows, 0) for rows in inner), key=cost)
    return tuple((float(x), float(y)) for x, y in zip(layers, best, strict=True))


def _covers(a: tuple[int, int], b: tuple[int, int], v: tuple[int, int]) -> bool:
    """Whether the edge from box a to box b, from side to side, touches the box of vertex v."""
    if not a[0] < v[0] < b[0]:
        return False
    half = BOX[0] / 2
    slope = (b[1] - a[1]) / (b[0] - a[0] - BOX[0])
    rows = [a[1] + slope * (x - a[0] - half) - v[1] for x in (v[0] - half, v[0] + half)]
    clear = BOX[1] / 2 + _MARGIN
    return min(rows) < clear and max(rows) > -clear


def _cross(a: Point, b: Point, c: Point, d: Point) -> bool:
    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    return side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
