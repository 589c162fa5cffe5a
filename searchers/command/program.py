"""Runs a command as a search: starts it, watches it, passes a stop on, ends it with its children.

What it prints goes where this process prints. Files of its own are in the folder that it is given;
the study's are beside that folder, so that no name of one can be a name of the other.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from oneshot_hpo.searchers.command import watcher
from oneshot_hpo.searchers.command.epochs import Epochs
from oneshot_hpo.searchers.command.result import RESULT, BadResult, CommandResult, read_result
from oneshot_hpo.searchers.command.words import BUDGET, FOLDER, SEED, SETTINGS, filled
from oneshot_hpo.searchers.errors import SearchError
from oneshot_hpo.whole_files import write_whole

OWN_FOLDER = "command"
"""The command's folder, in the trial's."""
SAVE_SECONDS = 60.0
"""How long a command may save after SIGTERM; then its processes are killed."""

_SETTINGS_FILE = "settings.json"
_LOCK = "command.lock"
_SPENT = "command.seconds"
"""In the trial's folder: seconds that all attempts have run."""
_LOOK_SECONDS = 0.1
_NOTE_SECONDS = 5.0
_LINE_BYTES = 65_536
_QUOTED = 300
"""Characters of a command's last words in a message."""


class CommandFailed(SearchError):
    """A command ended without a result, by its own fault or by that of the machine."""


class CommandLost(Exception):
    """A command was killed, or asked to be run elsewhere by its exit code."""


class CommandStopped(Exception):
    """A command was ended because its worker has to leave; the next attempt continues it."""


@dataclass(frozen=True, kw_only=True)
class Command:
    """A program that a study runs as a search."""

    words: tuple[str, ...]
    """Program and arguments, with placeholders (see `words`)."""
    folder: str
    """Where it runs."""
    lost_exit_codes: tuple[int, ...] = ()
    """Exit codes by which it says that it has to run elsewhere."""
    record_pattern: str | None = None
    """A regular expression for lines of output that report an epoch; its groups have names."""
    environment: Mapping[str, str] | None = field(default=None, repr=False)
    """What the program inherits, instead of this process's environment. It may hold secrets."""


def run_command(
    command: Command,
    config: Mapping[str, Any],
    *,
    budget: int,
    seed: int,
    trial: Path,
    stop_asked: Callable[[], bool] = lambda: False,
) -> CommandResult:
    """Run a command until it ends; its result.

    config: a value for each hyperparameter. budget: epochs. trial: folder of the trial, where
    metrics.jsonl is written; the command's is `trial`/command, the same in every attempt.
    stop_asked: once it returns True, the command gets SIGTERM and SAVE_SECONDS.

    Raises CommandFailed for an exit code other than 0, or a result that is missing or none;
    SearchDiverged for an error that is not finite; CommandLost if it was killed, or ended with one
    of `lost_exit_codes`; CommandStopped after a stop; OSError if files cannot be written.
    """
    folder = trial.absolute() / OWN_FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    own = {BUDGET: budget, SEED: seed, FOLDER: str(folder)}
    settings = folder / _SETTINGS_FILE

    with _only_one(trial / _LOCK, stop_asked) as lock:
        # A result of an earlier attempt may be of a run that failed after it.
        (folder / RESULT).unlink(missing_ok=True)
        write_whole(settings, (json.dumps({**config, **own}, indent=1) + "\n").encode())
        words = filled(command.words, {**config, **own, SETTINGS: str(settings)})
        run = _Run(command, words, trial, folder, lock)
        run.wait(stop_asked)

    if run.stopped and not (run.code == 0 and (folder / RESULT).exists()):
        raise CommandStopped("the command was ended to be continued elsewhere")
    if run.code < 0 or run.code in command.lost_exit_codes:
        raise CommandLost(f"the command {run.ending}")
    if run.code > 0:
        raise CommandFailed(f"the command {run.ending}")
    try:
        return read_result(folder, budget)
    except BadResult as error:
        raise CommandFailed(f"the command ended with exit code 0, but {error}") from None


class _Run:
    """One attempt at a command."""

    def __init__(
        self, command: Command, words: list[str], trial: Path, folder: Path, lock: IO[bytes]
    ) -> None:
        self.code = 0
        """Its exit code, negative for the signal that killed it."""
        self.stopped = False
        """Whether it was asked to end."""
        self._epochs = Epochs(trial, folder, command.record_pattern)
        self._spent = trial / _SPENT
        self._before = seconds_spent(trial)
        self._began = self._noted = time.monotonic()
        self._last: deque[str] = deque(maxlen=3)
        self._half = b""
        self._output, inherited = os.pipe()
        try:
            self._process = _started(command, words, inherited, lock)
        except OSError as error:
            os.close(self._output)
            reason = error.strerror or str(error)
            raise CommandFailed(
                f"{words[0]} cannot be started in {command.folder}: {reason}"
            ) from None
        finally:
            os.close(inherited)

    def wait(self, stop_asked: Callable[[], bool]) -> None:
        """Watch until it has ended, and end what it started."""
        killed_after = float("inf")
        watching = _watcher(self._process.pid, self._output)
        try:
            while not _has_ended(self._process.pid):
                self._look(_LOOK_SECONDS)
                if stop_asked() and not self.stopped:
                    self.stopped = True
                    killed_after = time.monotonic() + SAVE_SECONDS
                    self._signal(signal.SIGTERM)
                if time.monotonic() > killed_after:
                    self._signal(signal.SIGKILL)
        finally:
            # Its group is signalled before it is reaped: until then no other group has its number.
            self._signal(signal.SIGKILL)
            _end(watching)
            self.code = self._process.wait()
            while self._look(0):
                pass
            os.close(self._output)
            self._epochs.read_records()
            self._note_seconds()

    @property
    def ending(self) -> str:
        """How it ended, with its last words."""
        if self.code < 0:
            how = f"was killed by {signal.Signals(-self.code).name}"
        else:
            how = f"ended with exit code {self.code}"
        said = next((line for line in reversed(self._last) if line), "")
        return f"{how}: {said[:_QUOTED]}" if said else how

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def _look(self, seconds: float) -> bool:
        """Pass output on, and take records; whether there was output."""
        ready = bool(select.select([self._output], [], [], seconds)[0])
        content = os.read(self._output, _LINE_BYTES) if ready else b""
        if content:
            self._print(content)
        elif ready and seconds:
            time.sleep(seconds)  # it has closed its output, and works on
        self._epochs.read_records()
        if time.monotonic() - self._noted > _NOTE_SECONDS:
            self._note_seconds()
        return bool(content)

    def _print(self, content: bytes) -> None:
        sys.stdout.flush()
        with contextlib.suppress(OSError):  # a full disk: its output is no part of its result
            os.write(sys.stdout.fileno(), content)
        *lines, self._half = (self._half + content).split(b"\n")
        if len(self._half) > _LINE_BYTES:
            lines, self._half = [*lines, self._half], b""
        for line in lines:
            text = line.decode(errors="replace").strip()
            self._last.append(text)
            self._epochs.read_output(text)

    def _note_seconds(self) -> None:
        self._noted = time.monotonic()
        seconds = self._before + self._noted - self._began
        write_whole(self._spent, f"{seconds:.3f}\n".encode())


def seconds_spent(trial: Path) -> float:
    """Seconds that a trial's command has run in all attempts; 0 if it has not."""
    try:
        return float((trial / _SPENT).read_text())
    except (OSError, ValueError):
        return 0.0


def last_written(trial: Path) -> int:
    """When a trial's command last wrote a file of its own, in nanoseconds; 0 if it has not."""
    own = (path for path in (trial / OWN_FOLDER).rglob("*") if path.name != _SETTINGS_FILE)
    return max((path.lstat().st_mtime_ns for path in own), default=0)


@contextlib.contextmanager
def _only_one(path: Path, stop_asked: Callable[[], bool]) -> Iterator[IO[bytes]]:
    """Hold the lock of a command's folder, which the command inherits and so holds until its end.

    An earlier attempt may outlive its worker, and save while it ends. CommandLost: it does not end.
    """
    with path.open("ab") as lock:
        deadline = time.monotonic() + 2 * SAVE_SECONDS
        while not _is_locked(lock):
            if stop_asked():
                raise CommandStopped("the worker has to leave before the command has started")
            if time.monotonic() > deadline:
                raise CommandLost(f"an earlier process of the command still runs in {path.parent}")
            time.sleep(_LOOK_SECONDS)
        yield lock


def _is_locked(lock: IO[bytes]) -> bool:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True


def _started(
    command: Command, words: list[str], output: int, lock: IO[bytes]
) -> subprocess.Popen[bytes]:
    """The process of a command, which leads a group of its own in this process's session.

    A worker blocks SIGINT, and processes inherit that: for the start it is not blocked.
    """
    before = signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        return subprocess.Popen(
            words,
            cwd=command.folder,
            env=None if command.environment is None else dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            pass_fds=(lock.fileno(),),
            process_group=0,
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _watcher(group: int, output: int) -> subprocess.Popen[bytes]:
    words = [sys.executable, "-I", "-S", watcher.__file__, str(group), str(SAVE_SECONDS)]
    return subprocess.Popen(
        [*words, str(output)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        pass_fds=(output,),
        process_group=0,
    )


def _end(watching: subprocess.Popen[bytes]) -> None:
    watching.kill()
    watching.wait()
    assert watching.stdin is not None
    watching.stdin.close()


def _has_ended(process: int) -> bool:
    """Whether a child has ended; it is not reaped."""
    return os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
