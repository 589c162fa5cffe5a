"""The data of a study in a bundle: its journals, packed, and the rows of the table they name."""

from __future__ import annotations

import lzma
from collections.abc import Iterator
from pathlib import Path

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.bundle.layout import CONFIRMED, JOURNAL
from oneshot_hpo.experiments.study.folder import CONFIRMATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.hpo import TrialResult
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.search_spaces import Architecture, SearchSpace, get_space, load_table
from oneshot_hpo.search_spaces.rows_file import ROWS, rows_document
from oneshot_hpo.search_spaces.table_file import table_checksum


def data_of(study: OpenedStudy) -> dict[str, bytes]:
    """The files of a study that all others are made from, by name.

    UserError: it has no finished evaluation. TableError: its table cannot be read.
    """
    if not study.view.evaluations:
        raise UserError(f"{study.folder}: no evaluation has finished yet, there is nothing to tell")
    found = {JOURNAL: packed(_journal(study.folder / JOURNAL_NAME))}
    if study.confirmation is not None:
        if study.confirmation.header != study.view.header:
            own = study.folder / CONFIRMATION
            raise UserError(f"{own} belongs to another study than {study.folder}; move it away")
        found[CONFIRMED] = packed(_journal(study.folder / CONFIRMATION / CONFIRMATION_NAME))
    table, space = study.located.table, study.spec.space
    if table is not None and space is not None:
        searched = get_space(space)
        rows = [(searched, _architectures(study, searched))]
        found[ROWS] = rows_document(load_table(table), table_checksum(table), rows)
    return found


def packed(content: bytes) -> bytes:
    """Bytes packed by xz; equal ones are packed equally."""
    return lzma.compress(content, format=lzma.FORMAT_XZ, preset=6)


def _journal(path: Path) -> bytes:
    """A journal without a torn last line, which a master may be writing."""
    content = path.read_bytes()
    return content[: content.rfind(b"\n") + 1]


def _architectures(study: OpenedStudy, space: SearchSpace) -> Iterator[Architecture]:
    """Every architecture that a study or its confirmation found."""
    results: list[TrialResult] = [result for _, result in study.view.evaluations]
    if study.confirmation is not None:
        results += [result for _, result in study.confirmation.evaluations]
    for result in results:
        outcome = Outcome.from_result(result)
        if outcome.document is not None:
            yield outcome.architecture(space)
