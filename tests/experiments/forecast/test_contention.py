"""How long processes wait for processors that others have."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from support.waiting import wait_until

from oneshot_hpo.experiments.forecast.contention import Contention

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/schedstat").exists(), reason="this system does not count waiting"
)

SPIN = "import os; os.sched_setaffinity(0, [{core}])\nwhile True: pass"
OTHERS = (
    "import subprocess, sys, time\n"
    "spin = [subprocess.Popen([sys.executable, '-c', sys.argv[1]]) for _ in range(3)]\n"
    "print(*[one.pid for one in spin], flush=True)\n"
    "sys.stdin.read()\n"
    "for one in spin: one.kill()"
)


def seconds_of(processes: list[int]) -> float:
    """The processor seconds that these have had."""
    return float(sum(psutil.Process(one).cpu_times().user for one in processes))


@contextmanager
def spinning(core: int) -> Iterator[int]:
    """A child that computes on one core; yields its process."""
    with subprocess.Popen([sys.executable, "-c", SPIN.format(core=core)]) as child:
        try:
            yield child.pid
        finally:
            child.kill()


@contextmanager
def others_spinning(core: int) -> Iterator[list[int]]:
    """Three processes on that core which are no children of this one; yields them."""
    # Their parent is a child of a process that has ended.
    double = "import subprocess, sys; subprocess.Popen(sys.argv[1:], stdin=0)"
    words = [sys.executable, "-c", double, sys.executable, "-c", OTHERS, SPIN.format(core=core)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        try:
            yield list(map(int, first.stdout.readline().split()))
        finally:
            first.communicate()


def progressed(processes: list[int], seconds: float) -> Callable[[], bool]:
    """Whether these have computed that long from now on."""
    end = seconds_of(processes) + seconds
    return lambda: seconds_of(processes) > end


@pytest.mark.slow
def test_a_process_waits_for_others_on_its_core() -> None:
    core = min(os.sched_getaffinity(0))
    with others_spinning(core) as others, spinning(core) as child:
        wait_until(progressed([*others, child], 0.2))
        contention = Contention()
        wait_until(progressed([child], 0.15))
        assert contention.share > 0.4  # three quarters


def test_a_child_that_does_nothing_waits_for_nothing() -> None:
    with subprocess.Popen(["sleep", "60"]) as sleeping:
        contention = Contention()
        share = contention.share
        sleeping.kill()
    assert share == 0.0
