"""What a master's workers do, in a file of the study's folder, for `status` in another terminal.

It holds while its master lives, and is removed when the master ends; one that a killed master left
is not read, and the next master replaces it.
"""

from __future__ import annotations

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from oneshot_hpo.experiments.terminal.rate_limiter import RateLimiter
from oneshot_hpo.whole_files import write_whole

if TYPE_CHECKING:
    from oneshot_hpo.cluster.pool import DaskPool

WORKERS = "workers.json"


@dataclass(frozen=True)
class Workers:
    """The workers of a master, as it last saw them."""

    alive: int
    running: int
    """Trials that run on them."""
    state: str
    """More about them in words; empty if all is normal."""

    @property
    def waiting(self) -> str | None:
        """That the study waits for workers, and why it has none; None if it has some."""
        if self.alive:
            return None
        return "it waits for workers" + (f" ({self.state})" if self.state else "")


class WorkersFile:
    """The file of one master; a disk that refuses it costs nothing but the file."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / WORKERS
        self._written: Workers | None = None
        self._rate = RateLimiter()

    def update(self, pool: DaskPool) -> None:
        """Write what the workers do now, if it has changed and was not written a moment ago."""
        if not self._rate.is_due:
            return
        workers = Workers(pool.live_workers, pool.running, pool.status)
        if workers == self._written:
            return
        with self._rate.measured(), contextlib.suppress(OSError):
            write_whole(self._path, json.dumps(asdict(workers)).encode())
        self._written = workers

    def remove(self) -> None:
        """Remove the file: its master ends."""
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def read_workers(folder: Path) -> Workers | None:
    """What the file says; None if there is none, or it is not one of this program's."""
    try:
        content = json.loads((folder / WORKERS).read_bytes())
        workers = Workers(**content)
    except (OSError, ValueError, TypeError):
        return None
    are_numbers = isinstance(workers.alive, int) and isinstance(workers.running, int)
    return workers if are_numbers and isinstance(workers.state, str) else None
