"""The cells that studies found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.folder import CONFIRMATION, check_study, specification_of
from oneshot_hpo.experiments.study.inputs import located
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.hpo import TrialResult, read_confirmation, read_study
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.search_spaces.table_file import table_checksum


@dataclass(frozen=True)
class Find:
    """A cell that a study found."""

    cell: int
    """Its number in the space."""
    times: int
    """How many searches ended in it."""
    words: str
    """Whether the study's incumbent or default did: "incumbent", "default", both, or ""."""


@dataclass(frozen=True)
class StudyFinds:
    """What a study found, the cell of most searches first."""

    folder: Path
    spec: StudySpec
    searches: int
    """Trials and runs of the confirmation that ended without a crash."""
    finds: Sequence[Find]


def specification(folder: Path) -> StudySpec:
    """What a study is of. UserError: the folder holds none."""
    check_study(folder)
    return located(specification_of(read_study(folder).header, folder), folder)


def read_finds(folder: Path, space: SearchSpace, table: str) -> StudyFinds:
    """The cells found by all searches of a study, running or not, and of its confirmation.

    UserError: there is no study, it is of another space or table, or no search has ended yet.
    """
    spec = specification(folder)
    if spec.space != space.number:
        raise UserError(f"{folder} is a study of space {spec.space}, not of space {space.number}")
    if table_checksum(spec.table) != table_checksum(table):
        raise UserError(
            f"{folder} is a study of the table {spec.table}, not of {table}: --table {spec.table}"
        )
    view = read_study(folder)
    special = {
        "incumbent": view.incumbent[1] if view.incumbent else None,
        "default": view.baseline[1] if view.baseline else None,
    }
    special_cells = {word: _cell(result, space) for word, result in special.items()}
    counts = Counter(
        cell for result in _results(folder) if (cell := _cell(result, space)) is not None
    )
    if not counts:
        raise UserError(f"{folder}: no search has ended with a cell yet")
    finds = [
        Find(cell, times, ", ".join(word for word, known in special_cells.items() if known == cell))
        for cell, times in counts.most_common()
    ]
    return StudyFinds(folder, spec, counts.total(), finds)


def _cell(result: TrialResult | None, space: SearchSpace) -> int | None:
    """The cell in which a search ended; None for a crash, and where there was no search."""
    if result is None or result.crashed:
        return None
    return space.cell_index(Architecture.from_dict(result.info["architecture"]))


def _results(folder: Path) -> Iterator[TrialResult]:
    yield from (result for _, result in read_study(folder).evaluations)
    if (folder / CONFIRMATION / CONFIRMATION_NAME).exists():
        yield from (result for _, result in read_confirmation(folder / CONFIRMATION).evaluations)
