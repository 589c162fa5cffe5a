"""Checks a bundle: every decision is replayed, and every number, table and figure made again."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from oneshot_hpo.experiments.check.findings import Finding, Report
from oneshot_hpo.experiments.check.journals import checked_confirmation, checked_study
from oneshot_hpo.experiments.check.made_again import check_made
from oneshot_hpo.experiments.check.results import check_results
from oneshot_hpo.experiments.errors import UserError, is_user_error, one_line
from oneshot_hpo.experiments.exports.bundle.archive import BadBundle, read_bundle
from oneshot_hpo.experiments.exports.bundle.layout import (
    DATA,
    FORMAT,
    JOURNAL,
    MANIFEST,
    STUDIES,
)
from oneshot_hpo.experiments.exports.bundle.stage import lay_out
from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.experiments.study.folder import CONFIRMATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.foreign import is_allowed
from oneshot_hpo.hpo.confirmation_view import CONFIRMATION_NAME
from oneshot_hpo.search_spaces import get_space, load_table
from oneshot_hpo.search_spaces.rows_file import ROWS, read_rows, rows_document
from oneshot_hpo.search_spaces.table_file import table_checksum
from oneshot_hpo.search_spaces.table_rows import TableRows


def verify_bundle(path: Path) -> Report:
    """Check a bundle, unpacked or not, or the folder of one study out of one; nothing is changed.

    BadBundle, or another of this project's errors: it cannot be read at all.
    """
    files = read_bundle(path)
    data = _data(path, files)
    report = Report()
    manifest = _manifest(report, path, files) if MANIFEST in files else None
    names = list(data) if manifest is None else _order(report, manifest, data)

    with TemporaryDirectory() as stage:
        studies = [_checked(report, Path(stage), name, data[name]) for name in names]
        sound = [study for study in studies if study is not None]
        if len(sound) == len(studies):
            check_made(report, files, sound, None if manifest is None else manifest["makers"])
        else:
            report.is_readable = False
        alone = manifest is None
        where = f"{stage}/{names[0]}" if alone else f"{stage}/"
        return _placed(report, where, str(path) if alone else f"{path}:{STUDIES}/")


def _data(path: Path, files: Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
    """The data of each study by name. Raises BadBundle: there is none, or no journal of one."""
    found: dict[str, dict[str, bytes]] = {}
    for name, content in files.items():
        folder, _, rest = name.partition("/")
        if folder == STUDIES:
            study, _, file = rest.partition("/")
            own = found.setdefault(study, {})
            if file in DATA:
                own[file] = content
    if not found:
        raise BadBundle(f"{path} is no bundle: it holds no study")
    for study, own in found.items():
        if JOURNAL not in own:
            raise BadBundle(f"{path}: the study {study} has no {JOURNAL}")
    return found


def _manifest(report: Report, path: Path, files: Mapping[str, bytes]) -> dict[str, Any]:
    """The bundle's own list, compared with what is there. Raises BadBundle."""
    try:
        document = json.loads(files[MANIFEST])
        version, listed, makers = document["format"], document["files"], document["made by"]
        names = document["studies"]
        if not (isinstance(listed, dict) and isinstance(makers, dict) and isinstance(names, list)):
            raise TypeError("sections have other types")
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise BadBundle(f"{path}: {MANIFEST} cannot be read ({error})") from None
    if version != FORMAT:
        raise BadBundle(f"{path}: format {version!r} of bundles is not known here")

    here = {name: hashlib.sha256(own).hexdigest() for name, own in files.items()}
    del here[MANIFEST]
    for name in sorted(here.keys() | listed.keys()):
        if name not in here:
            report.add(f"{name} is missing")
        elif name not in listed:
            report.add(f"{name} is not in {MANIFEST}")
        elif listed[name] != here[name]:
            report.add(f"{name} was changed: its checksum is not that of {MANIFEST}")
    report.checked.append(f"checksums of {len(here)} files")
    return {"makers": makers, "studies": names}


def _order(report: Report, manifest: Mapping[str, Any], data: Mapping[str, Any]) -> list[str]:
    """The studies in the order of the manifest, which decides what is compared with what."""
    names = [name for name in manifest["studies"] if isinstance(name, str) and name in data]
    if sorted(names) != sorted(data):
        report.add(f"{MANIFEST} names other studies than there are")
        return sorted(data)
    return names


def _checked(
    report: Report, stage: Path, name: str, data: Mapping[str, bytes]
) -> OpenedStudy | None:
    """Check journals and results of a study; None if they cannot be read."""
    folder = stage / name
    try:
        lay_out(folder, data)
        if checked_study(report, folder) is None:
            return None
        study = OpenedStudy(folder, source=name)
        return study if _is_readable(report, study) else None
    except ValueError as error:
        if not is_user_error(error):
            raise
        report.add(one_line(error))
        return None


def _is_readable(report: Report, study: OpenedStudy) -> bool:
    """Check the results of a study; whether its confirmation can be read."""
    spec = _comparable(report, study)
    check_results(report, study.folder, study.view.evaluations, spec)

    confirmation = checked_confirmation(report, study)
    own = study.folder / CONFIRMATION
    if confirmation is None and (own / CONFIRMATION_NAME).exists():
        return False
    if confirmation is not None:
        if confirmation.header != study.view.header:
            report.add(f"{study.source} has the confirmation of another study")
            return False
        check_results(report, own, confirmation.evaluations, spec)
    if spec is not None and spec.table is not None:
        _check_rows(report, study, spec)
    return True


def _comparable(report: Report, study: OpenedStudy) -> StudySpec | None:
    """The specification, for results that rows can be compared with; None if they cannot."""
    spec = study.located
    strange = [one for one in own_code.references(spec).values() if not is_allowed(one)]
    if strange:
        named = ", ".join(one.label for one in strange)
        report.notes.append(
            f"{study.source}: code of one's own is not here and did not run: {named}"
        )
        return None
    if spec.table is not None and spec.space is None:
        return None  # without a space there are no cells to look up
    if spec.table is not None and not (study.folder / ROWS).is_file():
        report.add(f"{study.source}: {ROWS} is missing")
        return None
    if spec.table is not None:
        rows = read_rows(study.folder / ROWS)
        wanted = study.spec.checksums.get("table")
        for note in study.environments:
            wanted = note.get("checksums", {}).get("table", wanted)
        if wanted is not None and rows.of != wanted:
            report.add(f"{study.source}: {ROWS} is of another table than its journal names")
    return spec


def _check_rows(report: Report, study: OpenedStudy, spec: StudySpec) -> None:
    """Compare rows with the table itself, if it is on this machine."""
    rows = load_table(str(spec.table))
    assert isinstance(rows, TableRows)
    source = study.spec.table
    with suppress(UserError, ValueError, OSError):
        if source is None or spec.space is None or table_checksum(source) != rows.of:
            return
        space = get_space(spec.space)
        known = [space.parse(text) for name, text in rows.places if name == space.name]
        again = rows_document(load_table(source), rows.of, [(space, known)])
        if again != (study.folder / ROWS).read_bytes():
            report.add(f"{study.source}: {ROWS} differs from the table {rows.name}, which is here")
            return
        report.checked.append(f"{len(rows)} rows compared with the table {rows.name}")
        return


def _placed(report: Report, stage: str, place: str) -> Report:
    """The report with places in the bundle instead of those in a temporary folder."""
    report.findings = [Finding(one.words.replace(stage, place)) for one in report.findings]
    report.notes = [note.replace(stage, place) for note in report.notes]
    return report
