"""Whether a process died because memory ran out: Linux counts those that it ends for that."""

from __future__ import annotations

from pathlib import Path

_COUNTERS = Path("/proc/vmstat")


def out_of_memory_kills() -> int:
    """Processes that this machine's kernel has ended for lack of memory; 0 where nobody counts."""
    try:
        lines = _COUNTERS.read_text().splitlines()
    except OSError:
        return 0
    counts = dict(line.split() for line in lines)
    return int(counts.get("oom_kill", 0))
