"""What a run of the tests has left behind: processes and files."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import psutil

MARK = "ONESHOT_HPO_TEST_RUN"
"""The variable by which a run's processes are known, wherever they have got to."""
ENDING_SECONDS = 120.0
"""How long what was killed last may take to end, on a machine under load."""
_OF_TOOLS = (".git", ".venv", ".pytest_cache", "__pycache__", ".hypothesis", "oneshot_hpo.egg-info")
"""What git, pytest and Python keep in a checkout."""
_CACHES = (".cache", ".config", ".local", ".pki")
"""Where programs that tests start, say a browser, may keep something in a user's home."""


def marked(run: str) -> list[psutil.Process]:
    """The processes of a run that have not ended, SLURM's daemons and jobs among them."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            lives = process.status() != psutil.STATUS_ZOMBIE
            if lives and process.environ().get(MARK) == run:
                found.append(process)
    return found


def processes_left(run: str, seconds: float = ENDING_SECONDS) -> list[str]:
    """The command lines of processes that a run has left after so long; they are killed."""
    deadline = time.monotonic() + seconds
    while (left := marked(run)) and time.monotonic() < deadline:
        time.sleep(0.5)
    lines = []
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            lines.append(f"process {process.pid}: {' '.join(process.cmdline())[:300]}")
            process.kill()
    return lines


def content(checkout: Path) -> set[Path]:
    """The files of a checkout, but for what tools keep there."""
    return {
        path
        for path in checkout.rglob("*")
        if not set(path.relative_to(checkout).parts) & set(_OF_TOOLS)
    }


def files_left(checkout: Path, before: set[Path], home: Path, temporary: Path) -> list[str]:
    """Files that a run has left: new in the checkout, at home, and beside pytest's own."""
    left = sorted(content(checkout) - before)
    left += [path for path in sorted(home.iterdir()) if path.name not in _CACHES]
    left += [path for path in sorted(temporary.iterdir()) if path.name != "pytest"]
    return [f"file {path}" for path in left]
