"""Runs tasks in child processes, each within its time; a lost child costs one task."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from typing import IO, Any

from oneshot_hpo.experiments.benchmarks.gpu.rows import Row, failed

_MODULE = "oneshot_hpo.experiments.benchmarks.gpu.child"


class Lanes:
    """Children on one device; their rows go to `add`.

    ends: when all of it has to be over, by time.monotonic().
    """

    def __init__(self, device: str, tiny: bool, add: Callable[[Row], None], ends: float) -> None:
        self._options = [device, "tiny" if tiny else "full"]
        self._add, self._ends = add, ends
        self._tiny = tiny

    def run(self, tasks: Sequence[str], seconds: float, lanes: int = 1) -> None:
        """Do tasks, each within so many seconds, in so many children side by side."""
        # More threads than cores are slower than one; and so are several for tiny work.
        threads_each = 1 if self._tiny else max(1, len(os.sched_getaffinity(0)) // lanes)
        self._environment = os.environ | {"OMP_NUM_THREADS": str(threads_each)}
        shares = [list(tasks[number::lanes]) for number in range(lanes)]
        threads = [
            threading.Thread(target=self._lane, args=(share, seconds)) for share in shares if share
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def _lane(self, tasks: list[str], seconds: float) -> None:
        """Do tasks one after the other; a new child for those after a lost one."""
        while tasks:
            if self._ends - time.monotonic() < 1:
                for task in tasks:
                    self._add(failed(task, "task", "not begun: the time was up"))
                return
            done = self._child(tasks, seconds)
            tasks = tasks[done:]

    def _child(self, tasks: list[str], seconds: float) -> int:
        """Start a child with these tasks; how many are finished or lost when it is gone."""
        with tempfile.TemporaryFile() as errors:
            child = subprocess.Popen(
                [sys.executable, "-m", _MODULE, *self._options, *tasks],
                env=self._environment,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            clock = _Clock(child, seconds, self._ends)
            assert child.stdout is not None
            finished, under_way = 0, None
            for line in child.stdout:
                said = _read(line)
                if "begin" in said:
                    under_way = said["begin"]
                    clock.restart()
                elif "row" in said:
                    self._add(Row(**said["row"]))
                elif "end" in said:
                    finished, under_way = finished + 1, None
            child.stdout.close()
            child.wait()
            clock.stop()
            if under_way is None and finished:
                return finished
            reason = "the time was up" if clock.struck else _last_line(errors)
            lost = under_way or tasks[finished]
            self._add(failed(lost, "task", f"{reason} (exit code {child.returncode})"))
            return finished + 1


class _Clock:
    """Kills a child that takes too long over a task."""

    def __init__(self, child: subprocess.Popen[str], seconds: float, ends: float) -> None:
        self._child, self._seconds, self._ends = child, seconds, ends
        self.struck = False
        self._timer: threading.Timer | None = None
        self.restart(extra=60)  # to load torch

    def restart(self, extra: float = 0) -> None:
        """A task begins."""
        self.stop()
        left = min(self._seconds + extra, self._ends - time.monotonic())
        self._timer = threading.Timer(max(0.5, left), self._strike)
        self._timer.daemon = True
        self._timer.start()

    def stop(self) -> None:
        """The child is gone."""
        if self._timer is not None:
            self._timer.cancel()

    def _strike(self) -> None:
        self.struck = True
        self._child.kill()


def _read(line: str) -> dict[str, Any]:
    """What a child says; other lines, of libraries, say nothing."""
    try:
        said = json.loads(line)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _last_line(errors: IO[bytes]) -> str:
    errors.seek(0)
    lines = errors.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "the process ended without a word"
