"""Creates, checks and describes the folder of a study."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import unicodedata
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.files import check_own_files
from oneshot_hpo.experiments.study import own_code
from oneshot_hpo.experiments.study.sources import SOURCES, Beginning
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.validation import recorded
from oneshot_hpo.experiments.study.workers_file import WORKERS
from oneshot_hpo.experiments.study.yaml_files import dump_yaml
from oneshot_hpo.experiments.terminal.hints import command
from oneshot_hpo.foreign import COPIES
from oneshot_hpo.hpo import Study
from oneshot_hpo.hpo.journal.file import DRAFT_NAME, JOURNAL_NAME
from oneshot_hpo.hpo.journal.lock import LOCK_NAME, OWNER_NAME
from oneshot_hpo.whole_files import write_whole

SPECIFICATION = "study.yaml"
CONFIRMATION = "confirm"
"""The confirmation's folder, inside the study's."""
REPLICATES = "replicates"
"""In a study's folder: what "trials" holds of trials, of replicates."""
FORECAST = "forecast"
"""The key, in the journal's header, of the forecast with which a study was launched."""
STUDY_NAMES = (
    *(JOURNAL_NAME, DRAFT_NAME, LOCK_NAME, OWNER_NAME, SPECIFICATION, WORKERS),
    *("trials", REPLICATES, "logs", "slurm", "exports", "report", CONFIRMATION, COPIES),
)
"""Everything that the program creates in a study's folder."""
_WRITTEN = ("trials", REPLICATES, "logs", "slurm", CONFIRMATION)
"""Folders inside a study's, into which workers and master write."""
_REMNANTS = (LOCK_NAME, OWNER_NAME, DRAFT_NAME, COPIES)
"""What may be left by a launch that was killed before it wrote its journal."""


_NO_NAME = {
    "Cs": "is not UTF-8",
    "Cc": "holds a line break or another control character",
    "Zl": "holds a line break",
    "Zp": "holds a line break",
}
"""Characters that YAML, Dask or SLURM cannot handle in a path, by Unicode category."""


def check_path(folder: Path) -> None:
    """Raise UserError for a path that a study cannot run in; the folder need not exist."""
    for character in str(folder.resolve()):
        if (problem := _NO_NAME.get(unicodedata.category(character))) is not None:
            raise UserError(f"{str(folder.resolve())!r} {problem}: choose another folder")


def check_vacant(folder: Path) -> None:
    """Raise UserError unless `folder` is missing or empty, so that a study can be created there."""
    check_path(folder)
    if (folder / JOURNAL_NAME).exists():
        raise UserError(f"{folder} already holds a study; to resume it: {resume(folder)}")
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
    beginning: Beginning | None = None,
    *,
    forecast: Mapping[str, Any] | None = None,
) -> Study:
    """Create a study in a vacant folder; if that fails, nothing is left behind.

    spec: a complete specification. beginning: what its model begins with. forecast: what the study
    is expected to take, for its report. UserError: the folder cannot be written, or is not vacant.
    """
    check_vacant(folder)
    space = spec.configuration_space()

    header: dict[str, Any] = {
        "specification": spec.model_dump(mode="json"),
        "machine": machine.description(),
    }
    if beginning is not None:
        header[SOURCES] = [source.model_dump(mode="json") for source in beginning.sources]
    if forecast is not None:
        header[FORECAST] = dict(forecast)

    made = make_folder(folder)
    try:
        own_code.keep_copies(spec, folder)
        study = Study.create(
            folder,
            header=header,
            space=space,
            settings=spec.optimizer_settings,
            prior=() if beginning is None else beginning.prior,
        )
    except (ValueError, OSError) as error:
        with contextlib.suppress(OSError):  # not empty: another master was faster
            if not (folder / JOURNAL_NAME).exists():
                shutil.rmtree(folder / COPIES, ignore_errors=True)
            for path in made:
                path.rmdir()
        if isinstance(error, OSError):
            raise _unwritable(folder, error) from None
        raise

    write_specification(folder, spec)
    return study


def write_specification(folder: Path, spec: StudySpec) -> None:
    """Write study.yaml: the specification in the journal's header, for people and for relaunch."""
    text = f"# Every setting of this study. To resume it: {resume(folder)}\n"
    document = text + dump_yaml(spec.model_dump(mode="json"))
    write_whole(folder / SPECIFICATION, document.encode())


def specification_of(
    header: dict[str, Any], folder: Path, journal: str = JOURNAL_NAME
) -> StudySpec:
    """The specification in a journal's header. StudyFileError: it cannot be used.

    The files of code that it names are the copies in the folder.
    """
    spec = recorded(header.get("specification"), str(folder / journal))
    own_code.locate(spec, folder)
    return spec


def check_study(folder: Path) -> None:
    """Raise UserError unless `folder` holds a study."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such folder")
    if not (folder / JOURNAL_NAME).is_file():
        raise UserError(f"{folder} holds no study ({JOURNAL_NAME} is missing)")


def check_writable_study(folder: Path) -> None:
    """Raise UserError unless `folder` holds a study whose files are not links.

    Call it before writing there: somebody else may have created the folder.
    """
    check_study(folder)
    check_continuable(folder)
    check_own_files(folder, STUDY_NAMES)


def check_continuable(folder: Path) -> None:
    """Raise UserError unless this process can write everything that a study in `folder` writes.

    This matters for another user's study, which a group may share.
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
                f"{folder} is a study of {_user(owner)}, and you cannot write {path}: resume as "
                "that user, or use a copy of the folder"
            )


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def resume(folder: Path) -> str:
    """The command that resumes a study."""
    return command("resume", folder)


def make_folder(folder: Path) -> list[Path]:
    """Make a folder and its parents; returns those that were missing, innermost first.

    UserError: it cannot be created or written.
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
    return UserError(
        f"{folder} cannot be used ({error.strerror}); choose another folder with --dir"
    )
