"""Exceptions that end a command with one line instead of a trace, and how that line is written."""

from oneshot_hpo.errors import OneShotHpoError

PACKAGE = "oneshot_hpo"
_LONGEST = 1000
"""Characters of a message; it may quote a value of any length."""


class ExperimentError(OneShotHpoError):
    """A study, or what is made of studies, cannot be begun or continued."""


class UserError(ExperimentError, ValueError):
    """Input that cannot be used; the message is one line: what is wrong, where, what to do."""


class StudyFileError(UserError):
    """A study file, or a --set, that cannot be used."""


class DataError(UserError):
    """Data that cannot be imported, or a data folder that cannot be used."""


class NotEnoughData(UserError):
    """Too little data for an honest figure; the message is one line that says what is missing.

    A command that makes several figures skips this one and says why.
    """


class StudyStopped(ExperimentError, RuntimeError):
    """A study, or a build, cannot continue now; once the cause is repaired it can be resumed."""


class StudyFailed(StudyStopped):
    """A study whose trials keep failing, so that the cause has to be found before it continues.

    crashed: keys of the evaluations to run again, or "all". finished: no other run is left.
    """

    def __init__(self, reason: str, *crashed: str, finished: bool = False) -> None:
        super().__init__(reason)
        self.crashed = crashed
        self.finished = finished


class CommandInterrupted(Exception):
    """Ctrl-C ended a command; the message is one line: what is kept, and how to continue."""


class HandedOver(Exception):
    """A master in a SLURM job has to end; its workers wait for the next one."""


def is_user_error(error: BaseException) -> bool:
    """Whether this is bad input: by this project's rule, a subclass of ValueError of its own."""
    return isinstance(error, ValueError) and type(error).__module__.split(".")[0] == PACKAGE


def one_line(error: BaseException) -> str:
    """The message of an exception on a single line, or its type if it has none.

    Control characters are escaped and a long message is cut in the middle. Spaces within a line
    are kept: they may be part of a path.
    """
    lines = map(str.strip, str(error).splitlines())
    line = " ".join(filter(None, lines)) or type(error).__name__
    if len(line) > _LONGEST:
        line = f"{line[: _LONGEST * 3 // 4]} … {line[-_LONGEST // 4 :]}"
    return printable(line)


def printable(text: str, kept: str = "") -> str:
    """A text with control characters escaped, except those in `kept`."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in kept else ascii(c)[1:-1] for c in text)
