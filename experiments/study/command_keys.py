"""The keys of a study file by which a program of the user's runs as a trial.

    searcher: command
    command: [python, train_search.py, --learning_rate, "{learning_rate}", --save, "{folder}"]
    cwd: .                        # where it runs; by default the study file's folder
    lost_exit_codes: [75]         # by which it says that it has to run elsewhere
    record_pattern: 'epoch (?P<epoch>\\d+) valid (?P<valid_error>\\S+)'   # of its output

The page on commands in the README of the room `searchers` says what the program has to do.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.document import COMMAND, CWD
from oneshot_hpo.experiments.study.kept_weights import NONE
from oneshot_hpo.hpo.space_document import hyperparameters
from oneshot_hpo.searchers.command.words import (
    BUDGET,
    FOLDER,
    OWN,
    SETTINGS,
    WordError,
    placeholders,
)
from oneshot_hpo.suggestions import did_you_mean

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.specification import StudySpec
    from oneshot_hpo.searchers.command import Command

KEYS = (COMMAND, CWD, "lost_exit_codes", "record_pattern")
MAY_BE_ABSENT = ("space", "dataset", "table")
"""Keys that a study of a command may leave out: its result may hold errors."""


def check(spec: StudySpec) -> None:
    """UserError: the keys of a command are there without it, or cannot be used."""
    if spec.searcher != COMMAND:
        for key in KEYS:
            if getattr(spec, key) is not None:
                raise UserError(f"key {key!r} is for 'searcher: {COMMAND}', not {spec.searcher!r}")
        return

    if spec.command is None:
        raise UserError(
            f"key {COMMAND!r} is missing (a list of words: a program and its arguments)"
        )
    if spec.keep != NONE:
        raise UserError(f"keep {spec.keep}: a command has no supernet; what it leaves stays")
    if spec.continues:
        raise UserError("promotion continue: is for searchers of this project, not for commands")
    if spec.search:
        raise UserError(
            "section 'search' is for searchers of this project: what a command always gets belongs "
            "into its words, or into config_space as {constant: …}"
        )
    if spec.table is not None and spec.space is None:
        raise UserError("key 'space' is missing: architectures are looked up in 'table' by it")
    _check_pattern(spec.record_pattern)
    _names(spec)


def completed(spec: StudySpec) -> dict[str, Any]:
    """The keys of a command with their defaults. UserError: its folder or program is not there."""
    assert spec.command is not None
    folder = Path(spec.cwd or ".").resolve()
    if not folder.is_dir():
        raise UserError(f"cwd: no folder {folder}")
    _check_program(spec.command[0], folder)
    return {"cwd": str(folder), "lost_exit_codes": spec.lost_exit_codes or []}


def check_words(spec: StudySpec) -> None:
    """UserError: placeholders and hyperparameters of a complete study do not fit each other."""
    if spec.command is None:
        return
    named = _names(spec)
    space = spec.config_space
    tuned = {} if isinstance(space, str) else hyperparameters(space)

    for name in tuned:
        if name in OWN:
            raise UserError(f"config_space: {name} is a placeholder of the study: rename it")
        if name not in named and SETTINGS not in named:
            raise UserError(
                f"config_space: no word of command has {{{name}}}, nor {{{SETTINGS}}}: tuning it "
                "changes nothing"
            )
    for name in named:
        if name not in tuned and name not in OWN:
            known = [*tuned, *OWN]
            raise UserError(
                f"command: no hyperparameter of config_space fills {{{name}}}: "
                f"{did_you_mean(name, known)}"
            )
    if FOLDER not in named and SETTINGS not in named:
        raise UserError(
            f"command: no word has {{{FOLDER}}}, nor {{{SETTINGS}}}: the program cannot know where "
            "to write result.json"
        )
    if BUDGET not in named and SETTINGS not in named and spec.min_budget != spec.max_budget:
        raise UserError(
            f"command: no word has {{{BUDGET}}}, nor {{{SETTINGS}}}: every budget would be the same"
        )


def program(spec: StudySpec) -> Command | None:
    """The command of a complete study, without an environment; None for other studies."""
    from oneshot_hpo.searchers.command import Command

    if spec.command is None:
        return None
    return Command(
        words=tuple(spec.command),
        folder=spec.cwd or ".",
        lost_exit_codes=tuple(spec.lost_exit_codes or ()),
        record_pattern=spec.record_pattern,
    )


def arguments(spec: StudySpec, config: Mapping[str, Any]) -> dict[str, Any]:
    """A value for each hyperparameter: of the configuration, else the default of an inactive one.

    A word of a command is always filled; what an inactive hyperparameter is, its program ignores.
    """
    space = spec.config_space
    entries = {} if isinstance(space, str) else hyperparameters(space)
    inactive = {
        name: entry.get("default", entry.get("constant")) for name, entry in entries.items()
    }
    return {**inactive, **config}


def check_values(spec: StudySpec, values: Mapping[str, Any]) -> None:
    """UserError: a value is of no hyperparameter of the command."""
    known = arguments(spec, {})
    for name in values:
        if name not in known:
            raise UserError(
                f"no hyperparameter {name!r} in config_space: {did_you_mean(name, known)}"
            )


def checksums(spec: StudySpec) -> dict[str, str]:
    """The checksum of the files that a command's words name, by key; empty for other studies."""
    if spec.command is None:
        return {}
    digest = hashlib.sha256()
    for path in files(spec):
        digest.update(path.read_bytes())
    return {COMMAND: digest.hexdigest()}


def files(spec: StudySpec) -> list[Path]:
    """The files of its folder that a command's words name, as `train_search.py`."""
    folder = Path(spec.cwd or ".")
    words = [word for word in spec.command or () if not word.startswith("-")]
    return [folder / word for word in words if _is_file(folder / word)]


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a word that cannot be a path
        return False


def _names(spec: StudySpec) -> list[str]:
    """The placeholders. UserError: a word cannot be read, or the program itself has one."""
    assert spec.command is not None
    if any("\0" in word for word in spec.command):
        raise UserError("command: a word holds a null character")
    try:
        if not spec.command[0].strip() or placeholders(spec.command[:1]):
            raise UserError(f"command: the first word is the program, not {spec.command[0]!r}")
        return placeholders(spec.command)
    except WordError as error:
        raise UserError(f"command: {error}") from None


def _check_program(name: str, folder: Path) -> None:
    """UserError: there is no such program in the folder, or on the path for one without a slash."""
    if "/" not in name:
        if shutil.which(name) is None:
            raise UserError(f"command: no program {name!r} on the PATH")
    elif not os.access(folder / name, os.X_OK) or (folder / name).is_dir():
        raise UserError(f"command: {folder / name} is not there, or cannot be executed")


def _check_pattern(pattern: str | None) -> None:
    if pattern is None:
        return
    try:
        groups = re.compile(pattern).groupindex
    except re.error as error:
        raise UserError(f"record_pattern is no regular expression: {error}") from None
    if not groups:
        raise UserError(
            "record_pattern names no group: write (?P<valid_error>…) around each number to record"
        )
