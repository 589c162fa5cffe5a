"""The command: which tasks there are, in the order of their worth."""

from __future__ import annotations

import argparse
import math
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from oneshot_hpo.experiments.benchmarks import gpu
from oneshot_hpo.experiments.benchmarks.gpu import own_tests, workers
from oneshot_hpo.experiments.benchmarks.gpu.lanes import Lanes
from oneshot_hpo.experiments.benchmarks.gpu.rows import Report, Row
from oneshot_hpo.searchers.registry import SEARCHERS, STATIC_STEPS

SPACES = ("nasbench101-1", "nasbench201")
_VARIED = ("darts", "gdas", "random_ws")
"""Searchers whose steps are timed in all variants: one of each kind."""
_SHARED = ("paper:plain", "paper:mps", "cifar10-small:plain", "cifar10-small:mps")
"""Searches that share the GPU with others: their size, and whether by NVIDIA's service."""
_TINY = ("darts", "gdas", "random_ws")
"""Searchers of a tiny run."""


@dataclass(frozen=True)
class Phase:
    """Tasks of a kind.

    seconds: for each of them. lanes: how many may run side by side. beside: the next phase need
    not wait for this one.
    """

    tasks: tuple[str, ...]
    seconds: float
    lanes: int = 1
    beside: bool = False


def phases(tiny: bool) -> tuple[Phase, ...]:
    """All there is to do; what is timed runs alone."""
    searchers = _TINY if tiny else SEARCHERS
    varied = _TINY[:1] if tiny else _VARIED
    checks = {space: tuple(f"check:{name}:{space}" for name in searchers) for space in SPACES}
    largest = () if tiny else ("check:darts:darts",)
    graphs: tuple[str, ...] = (*STATIC_STEPS, "random_ws+masked", "gdas+masked")
    others = tuple(name for name in SEARCHERS if name not in graphs)
    if tiny:
        graphs, others = ("darts", "random_ws+masked"), ()
    return (
        Phase(("environment",), 60),
        Phase((*largest, *checks["nasbench201"]), 30, lanes=2 if tiny else 8),
        Phase(_each("graph", graphs), 30),
        Phase(_each("transfers", varied if tiny else ("darts", "gdas", "random_ws", "enas")), 30),
        Phase(tuple(f"workers:{size}" for size in _SHARED), 50),
        Phase(("tests",), 120, beside=True),
        Phase(checks["nasbench101-1"], 30, lanes=2 if tiny else 8),
        Phase(_each("steps", searchers), 40),
        Phase(_each("variants", varied), 60),
        Phase(_each("capture", others), 45, lanes=5),
        Phase(() if tiny else ("compile:darts",), 90),
    )


def main() -> int:
    """Run what the command line asks for; the exit code: 1 if a row failed."""
    parser = argparse.ArgumentParser(
        prog=f"python -m {gpu.__name__}", description=(gpu.__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--out", type=Path, default=Path("gpu-benchmark.json"), metavar="FILE")
    parser.add_argument("--minutes", type=float, default=8.0, help="For all of it (default: 8).")
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="Tasks whose name contains one of these."
    )
    parser.add_argument("--device", default="cuda", help="cuda (the default), or cpu to try it.")
    parser.add_argument("--tiny", action="store_true", help="Sizes that only test the program.")
    parser.add_argument("--list", action="store_true", help="Print the tasks' names and end.")
    arguments = parser.parse_args()

    chosen = [
        replace(phase, tasks=tasks)
        for phase in phases(arguments.tiny)
        if (tasks := _named(phase.tasks, arguments.only))
    ]
    if arguments.list:
        print("\n".join(task for phase in chosen for task in phase.tasks))
        return 0
    if not chosen:
        parser.error(f"no task has {' or '.join(arguments.only)} in its name: see --list")

    ends = time.monotonic() + 60 * arguments.minutes
    options = {name: vars(arguments)[name] for name in ("minutes", "only", "device", "tiny")}
    report = Report(arguments.out, options)
    lanes = Lanes(arguments.device, arguments.tiny, report.add, ends)
    beside: list[threading.Thread] = []
    for phase in chosen:
        thread = threading.Thread(target=_do, args=(phase, lanes, report, arguments, ends))
        thread.start()
        beside.append(thread)
        if not phase.beside:
            while beside:
                beside.pop().join()
    for thread in beside:
        thread.join()
    print(report.summary())
    return 1 if any(row.passed is False for row in report.rows) else 0


def _do(
    phase: Phase, lanes: Lanes, report: Report, arguments: argparse.Namespace, ends: float
) -> None:
    # A try of the program may run on any machine, loaded ones too.
    seconds = math.inf if arguments.tiny else phase.seconds
    if phase.tasks[0].startswith(("workers", "tests")):
        for task in phase.tasks:
            for row in _here(task, arguments, min(seconds, ends - time.monotonic())):
                report.add(row)
    else:
        lanes.run(phase.tasks, seconds, phase.lanes)


def _here(task: str, arguments: argparse.Namespace, seconds: float) -> Iterator[Row]:
    """Tasks that start processes of their own."""
    if task == "tests":
        return own_tests.run(task, arguments.tiny, seconds)
    return workers.run(task, arguments.device, arguments.tiny, seconds)


def _each(kind: str, searchers: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{kind}:{searcher}" for searcher in searchers)


def _named(tasks: tuple[str, ...], only: list[str] | None) -> tuple[str, ...]:
    return tuple(task for task in tasks if only is None or any(name in task for name in only))


if __name__ == "__main__":
    sys.exit(main())
