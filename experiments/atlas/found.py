"""The cells that studies found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from oneshot_hpo.experiments.atlas.space_map import SpaceMap
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.search_spaces import title_of
from oneshot_hpo.search_spaces.table_file import table_checksum


@dataclass(frozen=True)
class FoundCell:
    """A cell that searches of a study found."""

    cell: int
    """Its number in the space."""
    times: int
    """Number of searches that ended in it."""
    words: str
    """Which of the study's special trials ended in it: "incumbent", "default", both, or ""."""


@dataclass(frozen=True)
class StudyCells:
    """The cells that a study found, the most frequent first."""

    folder: Path
    spec: StudySpec
    searches: int
    """Trials and runs of the confirmation that finished without a crash."""
    cells: Sequence[FoundCell]


def cells_of(study: OpenedStudy, known: SpaceMap, table: str) -> StudyCells:
    """The cells found by all searches of a study, running or not, and of its confirmation.

    UserError: the study is of another space or table, or no search has finished yet.
    """
    folder, spec, view, space = study.folder, study.located, study.view, known.space
    if spec.space != space.id:
        searched = title_of(spec.required_space)
        raise UserError(f"{folder} is a study of {searched}, not of {space.title}")
    if table_checksum(spec.required_table) != table_checksum(table):
        raise UserError(
            f"{folder} is a study of the table {spec.table}, not of {table}: --table {spec.table}"
        )

    results = [result for _, result in view.evaluations]
    if study.confirmation is not None:
        results += [result for _, result in study.confirmation.evaluations]
    counts = Counter(cell for result in results if (cell := _cell(result, known)) is not None)
    if not counts:
        raise UserError(f"{folder}: no search has found a cell yet")

    special = {
        "incumbent": _cell(view.incumbent[1], known) if view.incumbent else None,
        "default": _cell(view.baseline[1], known) if view.baseline else None,
    }
    cells = [
        FoundCell(cell, times, ", ".join(word for word, known in special.items() if known == cell))
        for cell, times in counts.most_common()
    ]
    return StudyCells(folder, spec, counts.total(), cells)


def _cell(result: TrialResult, known: SpaceMap) -> int | None:
    """The cell in which a search ended; None for a crash."""
    if result.crashed:
        return None
    configuration = known.space.configuration(Outcome.from_result(result).architecture(known.space))
    return int(known.of_configuration[configuration])
