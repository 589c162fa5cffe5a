"""Studies of a bundle as folders that every reader of studies can open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from oneshot_hpo.experiments.confirm.results import RESULTS, results_of
from oneshot_hpo.experiments.exports.bundle.archive import unpacked
from oneshot_hpo.experiments.exports.bundle.layout import CONFIRMED, JOURNAL
from oneshot_hpo.experiments.study.folder import CONFIRMATION, SPECIFICATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.yaml_files import dump_yaml
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME
from oneshot_hpo.search_spaces.rows_file import ROWS


def lay_out(folder: Path, data: Mapping[str, bytes]) -> None:
    """Write a study's data into a new folder, as its master had written it. Raises BadBundle."""
    (folder / CONFIRMATION).mkdir(parents=True)
    (folder / JOURNAL_NAME).write_bytes(unpacked(f"{folder.name}/{JOURNAL}", data[JOURNAL]))
    if CONFIRMED in data:
        content = unpacked(f"{folder.name}/{CONFIRMED}", data[CONFIRMED])
        (folder / CONFIRMATION / CONFIRMATION_NAME).write_bytes(content)
    if ROWS in data:
        (folder / ROWS).write_bytes(data[ROWS])


def made_of(study: OpenedStudy) -> dict[str, bytes]:
    """The files of a study that are made from its journals, by name."""
    text = "# Every setting of this study, as its journal has them.\n"
    found = {SPECIFICATION: (text + dump_yaml(study.spec.model_dump(mode="json"))).encode()}
    if study.confirmation is not None:
        found[RESULTS] = results_of(study.confirmation)
    return found
