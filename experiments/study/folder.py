"""A study's folder: made, opened, described."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.files import check_own_files
from oneshot_hpo.experiments.study.specification import StudySpec, validated
from oneshot_hpo.experiments.study.yaml_files import dump_yaml
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.hpo import Observation, Study
from oneshot_hpo.hpo.journal.file import DRAFT_NAME, JOURNAL_NAME
from oneshot_hpo.hpo.journal.lock import LOCK_NAME, OWNER_NAME
from oneshot_hpo.whole_files import write_whole

SPECIFICATION = "study.yaml"
CONFIRMATION = "confirm"
"""The folder, in the study's own, of its confirmation."""
STUDY_NAMES = (
    *(JOURNAL_NAME, DRAFT_NAME, LOCK_NAME, OWNER_NAME, SPECIFICATION),
    *("trials", "logs", "slurm", "exports", "report", CONFIRMATION),
)
"""All that the program makes in a study's folder."""
_WRITTEN = ("trials", "logs", "slurm", CONFIRMATION)
"""Folders in a study's own into which workers and master write."""
_REMNANTS = (LOCK_NAME, OWNER_NAME, DRAFT_NAME)
"""All that a launch has left which was killed before its journal was there."""


_NO_NAME = {
    "Cs": "is not UTF-8",
    "Cc": "holds a line break or another control character",
    "Zl": "holds a line break",
    "Zp": "holds a line break",
}
"""By Unicode's category of a character: what YAML, Dask or SLURM cannot take in a path."""


def check_path(folder: Path) -> None:
    """Raise UserError for a path that a study cannot run in; the folder need not exist."""
    for character in str(folder.resolve()):
        if (problem := _NO_NAME.get(unicodedata.category(character))) is not None:
            raise UserError(f"{str(folder.resolve())!r} {problem}: choose another folder for it")


def check_vacant(folder: Path) -> None:
    """Raise UserError unless a study can be made in `folder`: it is missing or empty."""
    check_path(folder)
    if (folder / JOURNAL_NAME).exists():
        raise UserError(f"{folder} holds a study already; to go on with it: {resume(folder)}")
    if folder.exists() and not folder.is_dir():
        raise UserError(f"{folder} is a file; choose another folder with --dir")
    try:
        if folder.exists() and any(path.name not in _REMNANTS for path in folder.iterdir()):
            raise UserError(f"{folder} is not empty and holds no study; choose another with --dir")
    except OSError as error:
        raise _unwritable(folder, error) from None
    check_own_files(folder, _REMNANTS)


def create_study(
    folder: Path,
    spec: StudySpec,
    *,
    prior: Sequence[Observation] = (),
    prior_from: str | None = None,
    prior_left_out: int = 0,
) -> Study:
    """Make a study in a vacant folder; when that fails, no trace of it is left.

    `spec` is complete. prior: what its model begins with, from a run that was in the folder
    `prior_from`, without `prior_left_out` lines of it that could not be used. UserError: the folder
    cannot be written, or is not vacant.
    """
    check_vacant(folder)
    space = spec.configuration_space()
    header: dict[str, Any] = {
        "specification": spec.model_dump(mode="json"),
        "machine": machine.description(),
    }
    if prior_from is not None:
        header["prior_from"] = prior_from
    if prior_left_out:
        header["prior_left_out"] = prior_left_out
    made = make_folder(folder)
    try:
        study = Study.create(
            folder,
            header=header,
            space=space,
            settings=spec.optimizer_settings,
            prior=prior,
        )
    except (ValueError, OSError) as error:
        with contextlib.suppress(OSError):  # not empty: another master was faster
            for path in made:
                path.rmdir()
        if isinstance(error, OSError):
            raise _unwritable(folder, error) from None
        raise
    write_specification(folder, spec)
    return study


def write_specification(folder: Path, spec: StudySpec) -> None:
    """Write study.yaml: what the journal's header says, for people and for another launch."""
    text = f"# Every setting of this study. To go on with it: {resume(folder)}\n"
    document = text + dump_yaml(spec.model_dump(mode="json"))
    write_whole(folder / SPECIFICATION, document.encode())


def specification_of(
    header: dict[str, Any], folder: Path, journal: str = JOURNAL_NAME
) -> StudySpec:
    """The specification in the header of the folder's journal; StudyFileError if it cannot be."""
    return validated(header.get("specification"), str(folder / journal))


def check_study(folder: Path) -> None:
    """Raise UserError unless `folder` holds a study."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    if not (folder / JOURNAL_NAME).is_file():
        raise UserError(f"{folder} holds no study (there is no {JOURNAL_NAME} in it)")


def check_writable_study(folder: Path) -> None:
    """Raise UserError unless `folder` holds a study whose files are no links.

    For whoever is going to write into it: a folder may have been made by somebody else.
    """
    check_study(folder)
    check_continuable(folder)
    check_own_files(folder, STUDY_NAMES)


def check_continuable(folder: Path) -> None:
    """Raise UserError unless this process can work on the study in `folder`, before it begins.

    In the study of another user, which a group may share, all that a study writes has to be open.
    """
    check_path(folder)
    owner = (folder / JOURNAL_NAME).stat().st_uid
    if os.geteuid() in (0, owner):
        return
    files = [folder / JOURNAL_NAME, folder / LOCK_NAME, *folder.glob("logs/*")]
    inside = (os.walk(folder / name) for name in _WRITTEN)
    folders = (Path(path) for path, _, _ in itertools.chain.from_iterable(inside))
    for path in itertools.chain([folder], files, folders):
        if path.exists() and not os.access(path, os.W_OK):
            raise UserError(
                f"{folder} is a study of {_user(owner)}, and you cannot write {path}: go on as "
                "that user, or with a copy of the folder"
            )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def resume(folder: Path) -> str:
    """The command that goes on with a study."""
    return command("resume", folder)


def make_folder(folder: Path) -> list[Path]:
    """Make a folder and its parents; those that were missing, innermost first.

    UserError: it cannot be made or written.
    """
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unwritable(folder, error) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"{folder} cannot be written; choose another folder with --dir")
    return missing


def _unwritable(folder: Path, error: OSError) -> UserError:
    return UserError(f"{folder} cannot be used ({error.strerror}); choose another with --dir")
