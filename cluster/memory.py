"""Linux's count of processes that it killed because memory ran out."""

from __future__ import annotations

from pathlib import Path

_COUNTERS = Path("/proc/vmstat")


def out_of_memory_kills() -> int:
    """Number of processes that this machine's kernel killed for lack of memory; 0 if unknown."""
    try:
        lines = _COUNTERS.read_text().splitlines()
    except OSError:
        return 0
    counts = dict(line.split() for line in lines)
    return int(counts.get("oom_kill", 0))
