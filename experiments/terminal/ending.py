"""How a command ends early, by Ctrl-C or a failing disk, and how it says to continue."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from oneshot_hpo.cluster.errors import PoolError
from oneshot_hpo.experiments.errors import CommandInterrupted, StudyStopped, one_line
from oneshot_hpo.experiments.terminal.console import OUTPUT_GONE, discard_output
from oneshot_hpo.hpo.errors import StudyUnwritable

REPEATABLE = "finished work is kept; the same command resumes"


class StopWithAdvice(StudyStopped):
    """A stop whose message already says how to continue."""


@contextmanager
def ending(
    kept: str, *, on_failure: str = "once that is repaired, the same command resumes"
) -> Iterator[None]:
    """Say what is kept after an interruption, and what to do after a failure of the system.

    CommandInterrupted: Ctrl-C. StudyStopped: an OSError, such as a full disk, or a pool that
    cannot work.
    """
    try:
        yield
    except KeyboardInterrupt:
        raise CommandInterrupted(f"stopped; {kept}") from None
    except PoolError as error:
        raise StudyStopped(one_line(error)) from error
    except OSError as error:
        raise StudyStopped(f"{one_line(error)}; {on_failure}") from error


@contextmanager
def resumable(again: str, journal: Path) -> Iterator[None]:
    """End a study's or a confirmation's work with the command that continues it.

    again: that command. journal: the file that is there once the work has begun.

    CommandInterrupted: Ctrl-C. StudyStopped: it cannot continue here.
    """
    resume = f"to resume: {again}"
    try:
        yield
    except KeyboardInterrupt:
        begun = journal.exists()
        kept = f"every finished evaluation is kept; {resume}" if begun else "nothing has begun"
        raise CommandInterrupted(f"stopped; {kept}") from None

    except StudyUnwritable as error:
        if not journal.exists():  # nothing has begun
            raise
        raise StudyStopped(f"{one_line(error)}; once that is repaired, {resume}") from error
    except StopWithAdvice:
        raise
    except (StudyStopped, OSError) as stop:
        if isinstance(stop, BrokenPipeError):
            discard_output()
            stop = StudyStopped(OUTPUT_GONE)
        raise StudyStopped(f"{one_line(stop)}; once that is repaired, {resume}") from stop
