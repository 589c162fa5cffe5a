"""A run of an optimizer on a problem, as a line of the file of results."""

from __future__ import annotations

import resource
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from oneshot_hpo.experiments.benchmarks.finished_rows import append_row, read_rows
from oneshot_hpo.experiments.benchmarks.optimizers.clock import Optimizer, Trace, simulate
from oneshot_hpo.experiments.benchmarks.optimizers.own import (
    VARIANTS,
    OwnBOHB,
    needs_known_default,
)
from oneshot_hpo.experiments.benchmarks.optimizers.peer import PEERS, Peer
from oneshot_hpo.experiments.benchmarks.optimizers.problem import Problem
from oneshot_hpo.experiments.benchmarks.optimizers.problems import (
    has_known_default,
    load_problem,
)
from oneshot_hpo.experiments.benchmarks.optimizers.simple import SIMPLE

OPTIMIZERS = (*VARIANTS, *SIMPLE, *PEERS)


class Run(NamedTuple):
    """One run; `cost` in trainings at the largest fidelity."""

    problem: str
    optimizer: str
    workers: int
    cost: float
    seed: int


class Found(NamedTuple):
    """What it found."""

    trace: Trace
    seconds: float
    """Processor time of the optimizer, its process included, and of the clock."""
    versions: dict[str, str]
    """Of a peer's packages."""


class Places(NamedTuple):
    """Where things are on this machine."""

    data: Path | None
    searches: Path
    pythons: dict[str, Path]
    """By peer, the Python of its environment."""


def has_meaning(optimizer: str, problem: str) -> bool:
    """Whether an optimizer can do on a problem what its name says: a prior needs a default."""
    is_prior = optimizer in VARIANTS and needs_known_default(optimizer)
    return has_known_default(problem) or not is_prior


def execute(run: Run, places: Places) -> Found:
    """One run. UserError, TableError."""
    problem = load_problem(run.problem, places.data, places.searches)
    started = _processor_seconds()
    optimizer = _optimizer(run, problem, places)
    try:
        trace = simulate(problem, optimizer, run.workers, run.cost, run.seed)
    finally:
        optimizer.close()
    versions = optimizer.versions if isinstance(optimizer, Peer) else {}
    return Found(trace, _processor_seconds() - started, versions)


def read(path: Path) -> dict[Run, Found]:
    """The finished runs."""
    return read_rows(path, _parsed)


def _parsed(row: dict[str, Any]) -> tuple[Run, Found]:
    trace = Trace(**row["trace"])
    trace.curve = [(cost, regret) for cost, regret in trace.curve]
    return Run(*row["run"]), Found(trace, row["seconds"], row["versions"])


def append(path: Path, run: Run, found: Found) -> None:
    """Add a finished run."""
    row: dict[str, Any] = {
        "run": run,
        "trace": asdict(found.trace),
        "seconds": round(found.seconds, 3),
        "versions": found.versions,
    }
    append_row(path, row)


def _processor_seconds() -> float:
    """Of this process, and of those that it started and that have ended."""
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def _optimizer(run: Run, problem: Problem, places: Places) -> Optimizer:
    if run.optimizer in VARIANTS:
        return OwnBOHB(problem, run.seed, run.cost, VARIANTS[run.optimizer])
    if run.optimizer in SIMPLE:
        return SIMPLE[run.optimizer](problem, run.seed, run.cost)
    python = places.pythons[run.optimizer]
    return Peer(run.optimizer, python, problem, run.seed, run.cost, run.workers)
