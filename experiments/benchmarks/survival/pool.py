"""Faults in the pool: workers killed, frozen, cut off, loud, greedy; the scheduler gone.

Each study has six trials that take no time and one worker: real journal, real BOHB, real Dask. Its
evaluations must be those of an undisturbed study.
"""

from __future__ import annotations

import contextlib
import functools
import resource
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from oneshot_hpo.cluster import worker_log
from oneshot_hpo.cluster.local import LocalPool
from oneshot_hpo.experiments.benchmarks.survival import pool_external, pool_sick
from oneshot_hpo.experiments.benchmarks.survival.pool_study import (
    ATTEMPTS,
    EVALUATIONS,
    evaluations,
    run_to_end,
    undisturbed,
)
from oneshot_hpo.experiments.benchmarks.survival.pool_trials import (
    BUSY,
    LAST_WORDS,
    evaluate,
    little_memory,
)
from oneshot_hpo.experiments.benchmarks.survival.rows import Group, Progress, Row
from oneshot_hpo.experiments.study.losses import LOST_LOG
from oneshot_hpo.hpo import read_study

_MOST_GROWTH = 200 * 2**20  # of the master's memory, bytes


@dataclass(frozen=True)
class WorkerFault:
    """What a trial does to its worker, and what must follow."""

    name: str
    """In pool_trials.FAULTS."""
    kind: str
    note: str
    attempts: int = 1
    """The number of the trial's attempts that it costs."""
    always: bool = False
    """At each attempt, so that the trial ends as a crash."""
    size: int = 0
    says: str = ""
    """Words that must be in the journal's reason of the last attempt."""
    victims: int = EVALUATIONS
    """The number of trials it is injected into, each in a study of its own."""


FAULTS = (
    WorkerFault("kill", "worker killed", "one more attempt, same evaluations"),
    WorkerFault(
        "freeze", "worker frozen for 3 s", "waited for, no attempt lost", attempts=0, victims=2
    ),
    WorkerFault("cut", "worker's connection cut", "one more attempt, same evaluations"),
    WorkerFault(
        "kill",
        "poison: kills every worker it gets",
        f"a crash after {ATTEMPTS} attempts, its last lines kept",
        always=True,
        says=f"given up after {ATTEMPTS} attempts",
        victims=2,
    ),
    WorkerFault(
        "print",
        "trial prints 1 GB and dies",
        f"logs below {worker_log.MOST_BYTES // 2**20} MB, last lines kept, master's memory bounded",
        always=True,
        size=10**9,
        says="given up",
        victims=1,
    ),
    WorkerFault("leave", "children and threads left behind", "all ended, none in a later trial", 0),
    WorkerFault("leave and die", "child left by a killed worker", "ended", victims=2),
    WorkerFault(
        "allocate",
        "worker without memory (a real OOM kill)",
        "one clear reason",
        size=2**30,
        always=True,
        says="this machine ran out of memory",
        victims=1,
    ),
)


def run(progress: Progress) -> list[Row]:
    """Inject each kind of fault into its trials; a row for each kind."""
    rows = []
    with tempfile.TemporaryDirectory() as name, little_memory() as has_groups:
        folder = Path(name)
        with local_pool(folder / "logs") as pool:
            for number, fault in enumerate(FAULTS):
                tries = fault.victims if has_groups or fault.name != "allocate" else 0
                failures = []
                for victim in range(tries):
                    progress(fault.kind, victim, tries)
                    failures.append(inject(pool, fault, victim, folder / f"{number}-{victim}"))
                progress(fault.kind, tries, tries)
                rows.append(_row(fault.kind, failures, fault.note))

        for kind, note, inject_into in pool_external.FAULTS:
            progress(kind, 0, 1)
            with contextlib.ExitStack() as stack:
                failure = inject_into(stack, folder / kind, run_to_end)
            progress(kind, 1, 1)
            rows.append(_row(kind, [failure], note))

        for kind, note, inject_into_pool in pool_sick.FAULTS:
            progress(kind, 0, 1)
            rows.append(_row(kind, [inject_into_pool(folder / kind)], note))
            progress(kind, 1, 1)
    return rows


def _row(kind: str, failures: list[str], note: str) -> Row:
    failed = [failure for failure in failures if failure]
    note = failed[0] if failed else note if failures else "no control groups here"
    return Row(Group.POOL, kind, len(failures), len(failures) - len(failed), note)


@contextlib.contextmanager
def local_pool(scratch: Path) -> Iterator[LocalPool]:
    """A pool of one worker for many studies."""
    with LocalPool(workers=1, threads=1, scratch=scratch) as pool:
        yield pool


def inject(pool: LocalPool, fault: WorkerFault, place: int, folder: Path) -> str:
    """Run a study whose trial number `place` injects a fault; what broke a promise, or nothing."""
    expected = undisturbed(folder / "undisturbed")
    victim = read_study(folder / "undisturbed").evaluations[place][0].key
    function = functools.partial(evaluate, fault.name, victim, fault.always, fault.size)
    grown = -resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run_to_end(folder / "study", pool, function)
    grown += resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    if fault.always:
        return _crash_problem(folder / "study", victim, fault) or _bounds_problem(pool, grown)
    if evaluations(folder / "study") != expected:
        return "other evaluations than those of an undisturbed study"
    trials = {trial.key: trial for trial, _ in read_study(folder / "study").evaluations}
    if trials[victim].attempt != fault.attempts:
        return f"{trials[victim].attempt} attempts were counted, not {fault.attempts}"
    left = [p.pid for p in psutil.process_iter(["cmdline"]) if p.info["cmdline"] == BUSY]
    return f"processes left: {left}" if left else ""


def _crash_problem(folder: Path, victim: str, fault: WorkerFault) -> str:
    view = read_study(folder)
    results = {trial.key: result for trial, result in view.evaluations}
    reason = results[victim].exception
    if not view.finished or reason is None or fault.says not in reason:
        return f"the crash's reason is {reason!r}"
    if any(result.crashed for key, result in results.items() if key != victim):
        return "another trial crashed with it"
    log = (folder / "trials" / victim / LOST_LOG).read_text()
    return "" if log.count(LAST_WORDS) >= ATTEMPTS else "the last lines are not kept"


def _bounds_problem(pool: LocalPool, grown_kilobytes: int) -> str:
    logs = sum(log.stat().st_size for log in pool.scratch.iterdir() if log.is_file())
    if logs > worker_log.MOST_BYTES:
        return f"the logs have {logs} bytes"
    if grown_kilobytes * 1024 > _MOST_GROWTH:
        return f"the master's memory grew by {grown_kilobytes} kB"
    return ""
