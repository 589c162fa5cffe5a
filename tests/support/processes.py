"""Processes that tests start; neither they nor their children outlive a failing test."""

import contextlib
import os
import signal
import subprocess
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from support.waiting import HANG_SECONDS

_MARK = "ONESHOT_HPO_TEST_PROCESS"


@contextlib.contextmanager
def running(
    words: Sequence[object], *, env: Mapping[str, str] | None = None, **options: Any
) -> Iterator[subprocess.Popen[str]]:
    """A process that leads a new session, killed at the end with its process group.

    If the test fails inside, its descendants in other sessions are killed as well: workers lead
    sessions of their own, and those of a master that was killed have another parent. Left alone
    they would end by themselves, which some tests rely on. options: of subprocess.Popen.
    """
    mark = uuid.uuid4().hex
    environment = (os.environ if env is None else env) | {_MARK: mark}
    options = {"text": True, "start_new_session": True} | options
    process: subprocess.Popen[str] = subprocess.Popen(
        [str(word) for word in words], env=environment, **options
    )
    try:
        yield process
    except BaseException:
        _end_marked(mark)
        raise
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def finish(process: subprocess.Popen[str], given: str | None = None) -> tuple[str, str]:
    """Standard output and error of a process, once it has ended."""
    return process.communicate(given, timeout=HANG_SECONDS)


def run(
    words: Sequence[object], *, given: str | None = None, cwd: Path | None = None, **options: Any
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `given` is its standard input."""
    stdin = subprocess.DEVNULL if given is None else subprocess.PIPE
    pipes = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with running(words, cwd=cwd, **pipes, **options) as process:
        output, complaint = finish(process, given)
    return subprocess.CompletedProcess(process.args, process.returncode, output, complaint)


def _end_marked(mark: str) -> None:
    """Kill every process that inherited this mark, until none is left."""
    while marked := [process for process in psutil.process_iter() if _has(process, mark)]:
        for process in marked:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(marked, timeout=HANG_SECONDS)


def _has(process: psutil.Process, mark: str) -> bool:
    try:
        ended = process.status() == psutil.STATUS_ZOMBIE
        return not ended and process.environ().get(_MARK) == mark
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return False
