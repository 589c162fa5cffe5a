"""How much longer processes took because others had the processors."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import psutil

_PROCESSES = Path("/proc")


class _Seconds(NamedTuple):
    ran: float
    waited: float


class Contention:
    """The share of its time, since it was made, in which this process's children waited for others.

    Linux counts for each thread how long it ran, and how long it was ready without a processor
    (`schedstat` in proc(5)). Elsewhere nothing is known, and the share is 0. Children that wait for
    each other do not count: all of them wait for others at most as long as those computed. What has
    ended is not counted.
    """

    def __init__(self) -> None:
        self._before = _threads()
        self._computed_before = _computed()

    @property
    def share(self) -> float:
        """From 0, nobody else computes, to below 1."""
        ran = waited = 0.0
        for thread, now in _threads().items():
            before = self._before.get(thread, _Seconds(0.0, 0.0))
            ran += now.ran - before.ran
            waited += now.waited - before.waited

        others = _computed() - self._computed_before - ran
        for_others = min(waited, others)
        return for_others / (ran + for_others) if ran > 0 and for_others > 0 else 0.0


def _threads() -> dict[tuple[int, str], _Seconds]:
    """Of each thread of this process's children, since it began."""
    found = {}
    for child in psutil.Process().children(recursive=True):
        for file in (_PROCESSES / str(child.pid)).glob("task/*/schedstat"):
            try:
                ran, waited, _ = file.read_text().split()
            except (OSError, ValueError):  # it has ended, or the kernel does not count
                continue
            found[child.pid, file.parent.name] = _Seconds(int(ran) / 1e9, int(waited) / 1e9)
    return found


def _computed() -> float:
    """Seconds in which any process ran on any processor of this machine."""
    times = psutil.cpu_times()
    return float(sum(times)) - times.idle - getattr(times, "iowait", 0.0)
