"""Errors of studies: subclasses of ValueError, each with a message of one line."""

from __future__ import annotations

from pathlib import Path

from oneshot_hpo.errors import OneShotHpoError


class HpoError(OneShotHpoError):
    """An optimizer, a study or its journal cannot be used."""


class StudyError(HpoError, ValueError):
    """A study cannot be created, opened or continued as requested."""


class InvalidSettings(StudyError):
    """A setting of the optimizer is invalid; the message names it."""


class StudyExists(StudyError):
    """The folder already holds a study."""


class StudyNotFound(StudyError):
    """The folder holds no study."""


class StudyLocked(StudyError):
    """Another master holds the study."""


class StudyUnwritable(StudyError):
    """The study's folder or journal cannot be written."""


class NewerJournal(StudyError):
    """The journal's format is newer than those this version reads."""


class InvalidEvent(StudyError):
    """An event is not valid after the events before it."""


class CorruptJournal(StudyError):
    """A line of the journal cannot be read or replayed.

    `line` counts from 1; `remedy` says what the user can do.
    """

    def __init__(
        self,
        path: Path,
        line: int,
        reason: str,
        remedy: str = "nothing was changed; repair the line or restore a copy of the file",
    ) -> None:
        super().__init__(f"{path}, line {line}: {reason}: {remedy}")
        self.path = path
        self.line = line
