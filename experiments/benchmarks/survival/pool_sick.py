"""A worker that fails every trial, and a trial that hangs."""

from __future__ import annotations

import functools
import io
import time
from pathlib import Path
from typing import Any

import distributed

from oneshot_hpo.cluster.local import LocalPool
from oneshot_hpo.cluster.task import TaskFailed
from oneshot_hpo.experiments.benchmarks.survival.pool_study import (
    EVALUATIONS,
    evaluations,
    run_to_end,
    undisturbed,
)
from oneshot_hpo.experiments.benchmarks.survival.pool_trials import evaluate
from oneshot_hpo.experiments.study.trial import TrialTask
from oneshot_hpo.hpo import read_study

LIMIT_SECONDS = 20
"""Long for a trial that takes no time, on a machine that may be busy."""
_SICK = "1"  # the worker's name


def failing_on(worker: str, task: TrialTask) -> dict[str, Any]:
    """A trial that fails on one worker; on others it takes its time until two have failed there."""
    assert task.folder is not None
    failed = task.folder.parents[1] / "failed"
    failed.mkdir(parents=True, exist_ok=True)
    if str(distributed.get_worker().name) == worker:
        (failed / str(task.seed)).touch()
        raise TaskFailed("RuntimeError: CUDA error: uncorrectable ECC error encountered")
    deadline = time.monotonic() + LIMIT_SECONDS  # the worker's new process may take so long
    while len(list(failed.iterdir())) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    return evaluate("", "", False, 0, task)


def sick_worker(folder: Path) -> str:
    """One of two workers fails every trial; what was not as promised."""
    said = io.StringIO()
    with LocalPool(workers=2, threads=1, scratch=folder / "logs") as pool:
        trial = functools.partial(failing_on, _SICK)
        run_to_end(folder / "study", pool, trial, said, workers=2)
    view = read_study(folder / "study")
    if not view.finished or any(result.crashed for _, result in view.evaluations):
        return "an evaluation is missing, or is a crash"
    if sum(trial.attempt for trial, _ in view.evaluations) != 2:
        return "the worker got another number of trials than two"
    named = f"worker {_SICK} is retired"
    return "" if named in said.getvalue() else f"was not said: {named!r}"


def hanging_trial(folder: Path) -> str:
    """One trial never ends on its first worker; what was not as promised."""
    expected = undisturbed(folder / "undisturbed")
    trial = functools.partial(evaluate, "hang", expected[-1][0], False, 0)
    limit = [f"cluster.trial_timeout={LIMIT_SECONDS}"]
    with LocalPool(workers=1, threads=1, scratch=folder / "logs") as pool:
        run_to_end(folder / "study", pool, trial, settings=limit)
    if evaluations(folder / "study") != expected:
        return "other evaluations than those of an undisturbed study"
    attempts = [trial.attempt for trial, _ in read_study(folder / "study").evaluations]
    return "" if attempts == [0] * (EVALUATIONS - 1) + [1] else f"attempts: {attempts}"


FAULTS = (
    ("worker that fails every trial", "two tried elsewhere; worker named, retired", sick_worker),
    ("trial that hangs, with a limit", "one attempt more, same evaluations", hanging_trial),
)
