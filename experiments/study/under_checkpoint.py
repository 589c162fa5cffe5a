"""Cells under the supernet of a kept checkpoint: `oneshot-hpo search --from-checkpoint`."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from oneshot_hpo.experiments.errors import UserError, one_line
from oneshot_hpo.experiments.objectives.objective import load_images, objective_of
from oneshot_hpo.experiments.objectives.section import Section
from oneshot_hpo.experiments.objectives.table_outcome import table_outcome
from oneshot_hpo.experiments.study.opened import OpenedStudy, open_if_there
from oneshot_hpo.experiments.study.trial import device_name
from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.checkpoint import CHECKPOINT

if TYPE_CHECKING:
    from oneshot_hpo.searchers.search_loop import Search

MOST_CELLS = 5000
_DRAWS = 20
"""Draws for each cell that is wanted, after which a small space counts as exhausted."""


@dataclass(frozen=True)
class ScoredCell:
    """A cell and its errors, in [0, 1]."""

    architecture: Architecture
    key: str
    is_found: bool
    """Whether it is the one that the search ended with."""
    one_shot: float
    """Of the validation images, under the supernet."""
    test: float | None
    """Trained alone, of the table; None without a table."""


@dataclass(frozen=True)
class ScoredCells:
    """Cells under a supernet, the lowest one-shot error first."""

    space: SearchSpace
    searcher: str
    epochs: int
    """That the supernet was trained for."""
    cells: list[ScoredCell]


@dataclass(frozen=True)
class Inputs:
    """What a checkpoint does not hold: the names or paths of images and table, the objective."""

    dataset: str
    table: str | None
    objective: Section


def study_inputs(path: Path) -> Inputs | None:
    """The inputs of the study whose trial has its checkpoint there; None: it is no trial's."""
    folder = _folder(path).resolve()
    if len(folder.parents) < 3 or folder.parents[1].name != "trials":
        return None
    study = open_if_there(folder.parents[2])
    return None if study is None else _inputs(study)


def score_cells(
    path: Path,
    inputs: Inputs,
    *,
    count: int,
    seed: int,
    files: Sequence[Path] = (),
    recalibration_images: int = 0,
) -> ScoredCells:
    """Evaluate cells under the supernet of a checkpoint: the found one, drawn ones, those of files.

    path: of the checkpoint, or of its folder. count: drawn cells, each once; fewer in a small
    space. files: documents of architectures, as `architecture.json` of a trial.
    recalibration_images: as in `OneShotEvaluation.errors`.

    UserError, or another input error of this project: there is no such checkpoint, it is of other
    images, or a file holds no architecture of its space.
    """
    from oneshot_hpo.searchers.reopened import reopened  # loads torch

    data = objective_of(inputs.objective).search_images(load_images(inputs.dataset))
    search = reopened(_folder(path), data, device_name())
    space = search.space

    found = search.trajectory[-1].architecture if search.trajectory else None
    given = [_architecture(file, space) for file in files]
    first = given if found is None else [found, *given]
    cells = list(_distinct(space, first, count, np.random.default_rng(seed)))
    errors = search.evaluation.errors(cells, recalibration_images=recalibration_images)

    found_key = None if found is None else space.key(found)
    scored = [
        ScoredCell(one, key, key == found_key, error, _test(inputs.table, space, one))
        for one, key, error in zip(cells, map(space.key, cells), errors, strict=True)
    ]
    scored.sort(key=lambda cell: cell.one_shot)
    return ScoredCells(space, _searcher(search), search.epoch, scored)


def _folder(path: Path) -> Path:
    return path.parent if path.name == CHECKPOINT else path


def _inputs(study: OpenedStudy) -> Inputs:
    spec = study.located
    return Inputs(spec.required_dataset, spec.table, spec.objective)


def _architecture(file: Path, space: SearchSpace) -> Architecture:
    try:
        return space.from_document(json.loads(file.read_bytes()))
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise UserError(
            f"{file} holds no architecture of {space.title}: {one_line(error)}"
        ) from None


def _distinct(
    space: SearchSpace, first: Sequence[Architecture], count: int, rng: np.random.Generator
) -> Iterator[Architecture]:
    """The first architectures and `count` drawn ones, isomorphic ones once."""
    seen = set()
    for architecture in first:
        if (key := space.key(architecture)) not in seen:
            seen.add(key)
            yield architecture

    wanted = len(seen) + count
    for _ in range(_DRAWS * count):
        if len(seen) == wanted:
            return
        drawn = space.sample(rng)
        if (key := space.key(drawn)) not in seen:
            seen.add(key)
            yield drawn


def _test(table: str | None, space: SearchSpace, architecture: Architecture) -> float | None:
    return None if table is None else table_outcome(table, space, architecture).test


def _searcher(search: Search) -> str:
    return str(search.fingerprint["searcher"])
