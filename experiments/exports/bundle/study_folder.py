"""Writes the folder of one study as a bundle holds it: what `oneshot-hpo check` verifies alone."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from tempfile import mkdtemp

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.exports.bundle.archive import read_bundle, unpacked
from oneshot_hpo.experiments.exports.bundle.data import data_of
from oneshot_hpo.experiments.exports.bundle.layout import DATA, JOURNAL, MADE
from oneshot_hpo.experiments.exports.bundle.stage import made_of
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.whole_files import write_whole


def write_study_folder(folder: Path, target: Path) -> list[str]:
    """Write the data of a study and what is made of them; returns the names of the files.

    `target` is new, or has an earlier state of a study, which is replaced.

    UserError: there is no study, it has no results, or `target` is something else or cannot be
    written; nothing is written then.
    """
    _check_target(target)
    study = OpenedStudy(folder)
    files = data_of(study) | made_of(study)
    if target.exists() and _header(files[JOURNAL]) != _header((target / JOURNAL).read_bytes()):
        raise UserError(f"--out {target} holds another study; choose another place")

    try:
        if target.exists():
            _replace(target, files)
        else:
            _make(target, files)
    except OSError as error:
        raise UserError(f"{target} cannot be written ({error.strerror or error})") from None
    return sorted(files)


def _check_target(target: Path) -> None:
    """UserError unless a study's folder may be written there."""
    if not target.parent.is_dir():
        raise UserError(f"--out {target}: its folder is missing")
    if not target.exists():
        return
    if not target.is_dir() or not (target / JOURNAL).is_file():
        raise UserError(f"--out {target} exists and is no study of a bundle; choose another place")
    read_bundle(target)  # raises for links and the like, which would be written through


def _header(journal: bytes) -> bytes:
    """The first line of a packed journal, which no other study has."""
    return unpacked(JOURNAL, journal).partition(b"\n")[0]


def _make(target: Path, files: Mapping[str, bytes]) -> None:
    """Write a new folder: it is there with all of its files, or not at all."""
    draft = Path(mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    try:
        draft.chmod(0o755)
        for name, content in files.items():
            (draft / name).write_bytes(content)
        draft.rename(target)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise


def _replace(target: Path, files: Mapping[str, bytes]) -> None:
    """Write each file whole, and remove those that the study no longer has."""
    for name, content in files.items():
        write_whole(target / name, content)
    for name in {*DATA, *MADE} - files.keys():
        (target / name).unlink(missing_ok=True)
