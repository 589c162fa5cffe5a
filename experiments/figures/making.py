"""Every figure of some sources: made, written, or left out with the reason."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from oneshot_hpo.experiments.errors import NotEnoughData, UserError
from oneshot_hpo.experiments.figures.budgets import draw_budgets
from oneshot_hpo.experiments.figures.cells import draw_cells
from oneshot_hpo.experiments.figures.configurations import draw_configurations
from oneshot_hpo.experiments.figures.dependence import draw_dependence
from oneshot_hpo.experiments.figures.importance import draw_importance
from oneshot_hpo.experiments.figures.one_shot import draw_one_shot
from oneshot_hpo.experiments.figures.path import draw_path
from oneshot_hpo.experiments.figures.regret import draw_regret
from oneshot_hpo.experiments.figures.style import styled
from oneshot_hpo.experiments.figures.timeline import draw_timeline
from oneshot_hpo.experiments.figures.trajectories import draw_trajectories
from oneshot_hpo.experiments.numbers.budgets import budget_ranks
from oneshot_hpo.experiments.numbers.cells import found_cells
from oneshot_hpo.experiments.numbers.configurations import configurations
from oneshot_hpo.experiments.numbers.importance import importance
from oneshot_hpo.experiments.numbers.one_shot import one_shot_correlation
from oneshot_hpo.experiments.numbers.path import (
    AblationPath,
    ablation_path,
    has_path,
    order_words,
)
from oneshot_hpo.experiments.numbers.regret import AXES, Axis, regret_curves
from oneshot_hpo.experiments.numbers.sources import Sources
from oneshot_hpo.experiments.numbers.timeline import timeline
from oneshot_hpo.experiments.numbers.trajectories import trajectories
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.search_spaces import SpaceId
from oneshot_hpo.search_spaces.space import tag_of
from oneshot_hpo.whole_files import whole_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = ("pdf", "png")

_Draw = Callable[[list[str]], "Figure"]
"""Makes a figure; notes about it are added to the list."""


@dataclass
class FigureSet:
    """The figures that were written, and those that were left out."""

    written: list[Path] = field(default_factory=list)
    """Paths without suffix; each figure is written in all FORMATS."""
    left_out: dict[str, str] = field(default_factory=dict)
    """Names of figures with too little data, and the reason."""
    notes: list[str] = field(default_factory=list)
    """What is missing in the written figures, a sentence each."""


def make_figures(sources: Sources, folder: Path, on_figure: Callable[[str], None]) -> FigureSet:
    """Write every figure into a folder, each file whole or not at all.

    A figure that is left out now but was written there before is removed. `on_figure` is called
    with the name of each before it is made. UserError: the folder cannot be written.
    """
    figures = FigureSet()

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with styled():
            for name, draw in _figures(sources):
                on_figure(name)
                notes: list[str] = []
                try:
                    figure = draw(notes)
                except NotEnoughData as reason:
                    figures.left_out[name] = str(reason)
                    for suffix in FORMATS:
                        (folder / f"{name}.{suffix}").unlink(missing_ok=True)
                    continue

                write_figure(figure, folder / name)
                figures.written.append(folder / name)
                figures.notes += [note for note in notes if note not in figures.notes]
    except OSError as error:
        raise UserError(
            f"{folder} cannot be written ({error.strerror or error}); choose another place with "
            "--out"
        ) from None
    return figures


def _figures(sources: Sources) -> Iterator[tuple[str, _Draw]]:
    for space in sources.spaces:
        studies = [study for study in sources.studies if study.spec.space == space]
        for axis in AXES:
            draw = _regret(sources, space, axis)
            yield f"regret_{axis}_{tag_of(space)}", _marked(draw, studies)
        yield f"trajectories_{tag_of(space)}", _marked(_trajectories(sources, space), studies)
    for study, label in zip(sources.studies, _labels(sources.studies), strict=True):
        for name, draw in _of_study(study):
            yield f"{name}{label}", _marked(draw, [study])


def _marked(draw: _Draw, studies: list[OpenedStudy]) -> _Draw:
    """A figure that says which studies in it are a transfer, or select on test."""
    marks = {
        "transfer: the table is of another data set": {s.source: s.transfer for s in studies},
        "selected on test": {s.source: s.on_test for s in studies},
    }
    marks = {title: {k: v for k, v in found.items() if v} for title, found in marks.items()}
    if not any(marks.values()):
        return draw

    def marked(notes: list[str]) -> Figure:
        figure = draw(notes)
        titles = []
        for title, found in marks.items():
            notes += [f"{source}: {words}" for source, words in found.items()]
            if found:
                of = "" if len(found) == len(studies) else f" ({', '.join(found)})"
                titles.append(f"{title}{of}")
        figure.suptitle("; ".join(titles), fontsize=7)
        return figure

    return marked


def _regret(sources: Sources, space: SpaceId, axis: Axis) -> _Draw:
    def draw(notes: list[str]) -> Figure:
        panels = [regret_curves(sources, space, axis, error) for error in ("valid", "test")]
        notes += panels[0].notes
        return draw_regret(panels)

    return draw


def _trajectories(sources: Sources, space: SpaceId) -> _Draw:
    def draw(notes: list[str]) -> Figure:
        found = trajectories(sources, space)
        notes += found.notes
        return draw_trajectories(found)

    return draw


def _of_study(study: OpenedStudy) -> Iterator[tuple[str, _Draw]]:
    def one_shot(notes: list[str]) -> Figure:
        found = one_shot_correlation(study)
        notes += found.notes
        return draw_one_shot(found)

    yield "one_shot_correlation", one_shot
    yield "budget_correlation", lambda _: draw_budgets(budget_ranks(study))
    # Computed for the first of the two figures: it takes seconds.
    known: list = []

    def explained(notes: list[str]) -> Figure:
        known.append(importance(study))
        notes += known[0].notes
        return draw_importance(known[0])

    def dependence(_: list[str]) -> Figure:
        return draw_dependence(known[0] if known else importance(study))

    yield "importance", explained
    yield "partial_dependence", dependence
    yield "configurations", lambda _: draw_configurations(configurations(study))
    yield "cells", lambda _: draw_cells(found_cells(study))
    yield "timeline", lambda _: draw_timeline(timeline(study))
    if has_path(study):
        yield "path", lambda notes: draw_path(_path(study, notes))


def _path(study: OpenedStudy, notes: list[str]) -> AblationPath:
    found = ablation_path(study)
    notes.append(f"{study.source}: {order_words(found.order)}")
    return found


def _labels(studies: list[OpenedStudy]) -> list[str]:
    """The end of the names of a study's figures; empty if there is one study alone."""
    if len(studies) == 1:
        return [""]
    names = [study.folder.resolve().name for study in studies]
    return [
        f"_{name}" if names.count(name) == 1 else f"_{name}_{number}"
        for number, name in enumerate(names, start=1)
    ]


def write_figure(figure: Figure, path: Path) -> None:
    """In all formats; equal figures are equal bytes."""
    for suffix in FORMATS:
        target = path.with_name(f"{path.name}.{suffix}")
        when = {"CreationDate": None} if suffix == "pdf" else {}
        with whole_file(target) as file:
            figure.savefig(file, format=suffix, metadata=when)
