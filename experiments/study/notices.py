"""Commands of the user's by which a study says that it has ended, or that it needs somebody.

    on_end: [./mail.sh, "study finished"]           # once nothing is left to run
    on_trouble: [curl, "-d", "help", "https://…"]   # once it cannot continue by itself

They run without a shell, in the folder /, on the master's machine, and may take SECONDS. What
happens to them never changes the study.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from oneshot_hpo.cluster.environment import as_given
from oneshot_hpo.experiments.errors import StudyFailed, StudyStopped, one_line, printable
from oneshot_hpo.experiments.study.document import ON_END, ON_TROUBLE
from oneshot_hpo.experiments.study.summary import verdict
from oneshot_hpo.experiments.terminal.hints import say
from oneshot_hpo.hpo import StudyError, StudyUnwritable, StudyView, read_study

if TYPE_CHECKING:
    from rich.console import Console

    from oneshot_hpo.experiments.study.specification import StudySpec

SECONDS = 60.0
"""How long a command may take before it is killed."""
_PREFIX = "ONESHOT_HPO_"
_TAIL = 2000
"""Bytes of a command's complaint that are read."""


@contextlib.contextmanager
def announced(console: Console, spec: StudySpec, folder: Path) -> Iterator[None]:
    """Run the command `on_end` when the body ends, or `on_trouble` when it cannot continue.

    An interruption, which the user asked for, is neither, and nor is a hand-over to another job.
    The body has to release the study before it ends, so that the commands may work on it.
    """
    environment = as_given()  # before a pool changes it for its workers
    try:
        yield
    except (StudyStopped, StudyUnwritable, OSError) as error:
        state = "failed" if isinstance(error, StudyFailed) else "stopped"
        _notify(console, spec, ON_TROUBLE, environment, folder, state, one_line(error))
        raise
    _notify(console, spec, ON_END, environment, folder, "finished", None)


def _notify(
    console: Console,
    spec: StudySpec,
    key: str,
    environment: Mapping[str, str],
    folder: Path,
    state: str,
    message: str | None,
) -> None:
    """Run a command of the study, if it has it; a failure is one line on the terminal."""
    words: Sequence[str] | None = getattr(spec, key)
    if words is None:
        return
    variables = {
        _PREFIX + name: printable(str(value))
        for name, value in _facts(spec, folder, state, message).items()
    }
    variables[f"{_PREFIX}STUDY"] = str(folder.resolve())
    problem = _run(words, {**environment, **variables})
    if problem is not None:
        with contextlib.suppress(OSError):  # the terminal is gone, too
            say(console, f"{key}: {words[0]} {problem}; the study is not affected")


def _facts(spec: StudySpec, folder: Path, state: str, message: str | None) -> dict[str, Any]:
    """What a command is told, by the name of its variable."""
    facts: dict[str, Any] = {"NAME": spec.name, "STATE": state}
    view: StudyView | None = None
    with contextlib.suppress(StudyError, OSError):  # trouble may be that it cannot be read
        view = read_study(folder)
    if view is not None:
        facts |= {"EVALUATIONS": len(view.evaluations), "PLANNED": view.total_evaluations}
        if view.stop_reached is not None:
            facts["STOP_RULE"] = view.stop_reached.rule
        message = verdict(view) if message is None else message
    return facts | {"MESSAGE": message or ""}


def _run(words: Sequence[str], environment: Mapping[str, str]) -> str | None:
    """Run a command to its end; returns what went wrong, None if nothing did."""
    try:
        with tempfile.TemporaryFile() as complaint:
            process = subprocess.Popen(
                words,
                cwd="/",
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=complaint,
                start_new_session=True,
            )
            try:
                code = process.wait(SECONDS)
            except BaseException:  # it takes too long, or Ctrl-C
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
                raise
            return None if code == 0 else f"ended with {_ended(code)}{_last_line(complaint)}"
    except subprocess.TimeoutExpired:
        return f"did not end within {SECONDS:g} s and was killed"
    except OSError as error:
        return f"cannot run ({error.strerror or one_line(error)})"


def _ended(code: int) -> str:
    return f"exit code {code}" if code > 0 else f"signal {-code}"


def _last_line(complaint: Any) -> str:
    """The last line of a command's complaint, in brackets; empty if there is none."""
    complaint.seek(max(0, complaint.seek(0, os.SEEK_END) - _TAIL))
    lines = complaint.read().decode(errors="replace").strip().splitlines()
    return f" ({printable(lines[-1].strip())})" if lines else ""
