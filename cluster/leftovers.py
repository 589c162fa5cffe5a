"""Leftovers of a task in its worker: child processes, which are killed, and threads.

A worker process of a study calls `guard` once. Workers of a user's cluster do not, and there
nothing is touched.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil

_PR_SET_CHILD_SUBREAPER = 36
_DASK_THREADS = ("Dask-", "TCP-Executor", "Profile", "asyncio_")
"""Prefixes of the names of threads that Dask or its loop start at any time."""
KILL_SECONDS = 60.0
"""How long a killed process may take to end: it needs processor time, and frees its memory."""
_GRACE_SECONDS = 1.0
"""How long a thread may take to end; a slower one only costs a new worker process."""

_guarded = False
_left_threads = False


def guard() -> None:
    """Clean up this process, which runs one task at a time and nothing else, after each task."""
    global _guarded
    if sys.platform == "linux":
        # Grandchildren whose parent has ended become children of this process, and are seen.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    _guarded = True


def threads_left() -> bool:
    """Whether a task has left a thread behind, which only the end of the process can end."""
    return _left_threads


@contextlib.contextmanager
def clean_up() -> Iterator[None]:
    """Kill processes that were started in the context and still run; note such threads."""
    global _left_threads
    if not _guarded:
        yield
        return
    processes = {child.pid for child in psutil.Process().children(recursive=True)}
    threads = set(threading.enumerate())
    try:
        yield
    finally:
        children = psutil.Process().children(recursive=True)
        _end([child for child in children if child.pid not in processes])
        _left_threads = _left_threads or any(
            map(_stays_alive, set(threading.enumerate()) - threads)
        )


def lead_session(file: Path) -> None:
    """Make this worker the leader of a new session, and write its id to `file`.

    Processes of the earlier worker named there are killed.
    """
    end_session(file)
    os.setsid()
    file.write_text(f"{os.getpid()}\n")


def end_session(file: Path) -> None:
    """Kill the processes of the session named in a file, if its leader has died.

    While a process of a session is alive, the system does not reuse the session's id.
    """
    try:
        session = int(file.read_text())
    except (OSError, ValueError):
        return
    if not _is_alive(session):
        _end([process for process in psutil.process_iter() if _session(process) == session])
    file.unlink(missing_ok=True)


def _end(processes: list[psutil.Process]) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(signal.SIGKILL)
    psutil.wait_procs(processes, timeout=KILL_SECONDS)


def _stays_alive(thread: threading.Thread) -> bool:
    if thread.name.startswith(_DASK_THREADS):
        return False
    thread.join(_GRACE_SECONDS)
    return thread.is_alive()


def _is_alive(number: int) -> bool:
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _session(process: psutil.Process) -> int | None:
    try:
        return os.getsid(process.pid)
    except OSError:
        return None
