"""Collects the content of a space's page and writes it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

from oneshot_hpo.experiments.atlas import headline
from oneshot_hpo.experiments.atlas.charts import CellMarks, charts_of
from oneshot_hpo.experiments.atlas.entries import entries_of
from oneshot_hpo.experiments.atlas.found import StudyCells, cells_of
from oneshot_hpo.experiments.atlas.pictures import picture
from oneshot_hpo.experiments.atlas.space_map import SpaceMap
from oneshot_hpo.experiments.atlas.tables import cells_table, change, neighbours_table
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.figures.colours import looks
from oneshot_hpo.experiments.numbers.methods import Method
from oneshot_hpo.experiments.pages.page import check_replaceable, render, write_page
from oneshot_hpo.experiments.pages.values import moment
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.search_spaces import SpaceId, enumerable, get_space, heading_of, load_table
from oneshot_hpo.search_spaces.space import tag_of
from oneshot_hpo.search_spaces.table_file import table_path


def write_atlas(
    *,
    space: SpaceId | None,
    table: str | None,
    folders: Sequence[Path],
    cells: Sequence[str],
    out: Path | None,
) -> Path:
    """Write the page; returns its path.

    space, table: None for those of the first study, else 1 and digits. cells: hashes, or the first
    digits of one. UserError, or another of this project's errors: one of them cannot be used, or
    the page cannot be written.
    """
    if len(set(folders)) < len(folders):
        twice = next(folder for folder in folders if folders.count(folder) > 1)
        raise UserError(f"{twice} is given twice")

    opened = [OpenedStudy(folder) for folder in folders]
    first = opened[0].located if opened else None
    chosen = space if space is not None else (first.required_space if first else 1)
    source = table if table is not None else (first.required_table if first else "digits")
    where = enumerable(get_space(chosen))
    known = SpaceMap(where, load_table(source))
    known.rows  # noqa: B018 - raises first if the table lacks a cell of the space

    studies = [cells_of(study, known, source) for study in opened]
    named = list(dict.fromkeys(known.named(name) for name in cells))

    path = (
        out if out is not None else Path(f"atlas-{tag_of(where.id)}-{table_path(source).stem}.html")
    )
    check_replaceable(path)

    labels = _labels(folders)
    entries = entries_of(known, named, studies, labels)
    text = render(
        "oneshot_hpo.experiments.atlas",
        "atlas.html.jinja",
        has_charts=True,
        map=known,
        title=heading_of(where.id),
        headline=headline.read(known, studies, labels),
        charts=charts_of(known, _marked(named, studies, labels)),
        entries=entries,
        cells=cells_table(entries),
        neighbours=neighbours_table,
        linked={entry.number: entry for entry in entries},
        picture=picture,
        change=change,
        source=source,
        folders=[str(folder) for folder in folders],
        written=moment(time.time()),
        version=version("oneshot-hpo"),
    )
    write_page(path, text)
    return path


def _labels(folders: Sequence[Path]) -> list[str]:
    """Names of studies in the page: the folder's name, or its path if names are equal."""
    names = [folder.resolve().name for folder in folders]
    return [
        name if names.count(name) == 1 else str(folder)
        for name, folder in zip(names, folders, strict=True)
    ]


def _marked(
    named: Sequence[int], studies: Sequence[StudyCells], labels: Sequence[str]
) -> list[CellMarks]:
    methods = [
        Method(study.spec.searcher, "study", label)
        for study, label in zip(studies, labels, strict=True)
    ]
    look = looks(methods)
    marked = [
        CellMarks(f"found by {method.detail}", [found.cell for found in study.cells], look[method])
        for study, method in zip(studies, methods, strict=True)
    ]
    return [*marked, *([CellMarks("named", named, None)] if named else [])]
