"""What can go wrong with a study: subclasses of ValueError with one clear line each."""

from __future__ import annotations

from pathlib import Path


class StudyError(ValueError):
    """A study cannot be created, opened or continued as asked."""


class InvalidSettings(StudyError):
    """Settings of the optimizer that cannot be: names the setting."""


class StudyExists(StudyError):
    """The folder already holds a study."""


class StudyNotFound(StudyError):
    """The folder holds no study."""


class StudyLocked(StudyError):
    """Another master holds the study."""


class StudyUnwritable(StudyError):
    """The study's folder or journal cannot be written."""


class NewerJournal(StudyError):
    """The journal was written in a format that this version does not know yet."""


class InvalidEvent(StudyError):
    """An event that cannot follow the events before it."""


class CorruptJournal(StudyError):
    """A line of the journal that cannot be read or replayed. `line` counts from 1.

    `mend` tells the user what to do.
    """

    def __init__(
        self,
        path: Path,
        line: int,
        reason: str,
        mend: str = "nothing was changed; mend the line or restore a copy of the file",
    ) -> None:
        super().__init__(f"{path}, line {line}: {reason}: {mend}")
        self.path = path
        self.line = line
