"""The keys of a study file that name commands to run when the study ends: how they are checked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.document import ON_END, ON_TROUBLE

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.specification import StudySpec


def check(spec: StudySpec) -> None:
    """UserError: a command cannot be run, on whatever machine."""
    for key, words in _commands(spec):
        if any("\0" in word for word in words):
            raise UserError(f"{key}: a word holds a null character")
        if not words[0].strip():
            raise UserError(f"{key}: the first word is the program, not {words[0]!r}")
        # It runs in another folder, and what was trusted must not depend on where a study lies.
        if "/" in words[0] and not Path(words[0]).is_absolute():
            raise UserError(f"{key}: {words[0]} is not a whole path")


def check_programs(spec: StudySpec) -> None:
    """UserError: a program is not on this machine."""
    for key, words in _commands(spec):
        if shutil.which(words[0]) is None:
            reason = "is not there, or cannot be executed" if "/" in words[0] else "is not on PATH"
            raise UserError(f"{key}: {words[0]} {reason}")


def _commands(spec: StudySpec) -> Iterator[tuple[str, Sequence[str]]]:
    for key, words in ((ON_END, spec.on_end), (ON_TROUBLE, spec.on_trouble)):
        if words is not None:
            yield key, words
