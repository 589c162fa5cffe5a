"""Studies of a bundle as folders that every reader of studies can open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.confirm.results import RESULTS, results_of
from oneshot_hpo.experiments.exports.bundle.archive import unpacked
from oneshot_hpo.experiments.exports.bundle.layout import CONFIRMED, JOURNAL
from oneshot_hpo.experiments.study.folder import (
    CONFIRMATION,
    SPECIFICATION,
    specification_of,
)
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
    found = {SPECIFICATION: (text + dump_yaml(_settings(study))).encode()}
    if study.confirmation is not None:
        found[RESULTS] = results_of(study.confirmation)
    return found


def _settings(study: OpenedStudy) -> dict[str, Any]:
    """The specification, without what versions after the study's have added to it."""
    launched = specification_of(study.view.header, study.folder)
    return _known(
        study.spec.model_dump(mode="json"),
        launched.model_dump(mode="json"),
        study.view.header["specification"],
    )


def _known(now: dict[str, Any], launched: dict[str, Any], header: dict[str, Any]) -> dict[str, Any]:
    """The keys that a header has, or that were changed since the launch."""
    return {
        key: _known(value, launched[key], header[key])
        if isinstance(value, dict)
        and all(isinstance(one.get(key), dict) for one in (launched, header))
        else value
        for key, value in now.items()
        if key in header or value != launched.get(key)
    }
