"""The pace of a study on this machine, by a short search on each of its workers."""

from __future__ import annotations

import dataclasses
import math
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import NormalDist
from typing import Any

from oneshot_hpo import foreign
from oneshot_hpo.cluster.local import LocalPool
from oneshot_hpo.cluster.pool import DaskPool
from oneshot_hpo.experiments import machine
from oneshot_hpo.experiments.errors import StudyStopped, UserError, one_line
from oneshot_hpo.experiments.forecast.conditions import GIVEN_SPREAD, Pace
from oneshot_hpo.experiments.forecast.contention import Contention
from oneshot_hpo.experiments.study.outcome import OBJECTIVE_SECONDS, SECONDS
from oneshot_hpo.experiments.study.specification import StudySpec
from oneshot_hpo.experiments.study.trial import TrialTask, run_trial
from oneshot_hpo.hpo.brackets import rung_budgets

_MOST_EPOCHS = 2
"""Epochs of a short search: where a share of the epochs is warm-up, which is quicker, the first is
warm-up and the second is not."""
_LITTLE = 0.05
"""Share of waiting for a processor that is not worth a word."""
_ROUNDS = 2
"""Short searches on each worker: in the first one, libraries and data are loaded."""


def measured_pace(spec: StudySpec) -> Pace:
    """Search with the default configuration on all of a frozen study's workers, side by side.

    UserError: the search refuses the default configuration. StudyStopped: a worker was lost, or a
    search failed.
    """
    workers = spec.workers or 1
    epochs = min(_MOST_EPOCHS, max(1, round(rung_budgets(spec.optimizer_settings)[0])))
    rounds: list[list[Mapping[str, Any]]] = []
    waited = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        opened = time.time()
        with LocalPool(
            workers=workers,
            threads=spec.cluster.threads or machine.threads_for(workers),
            gpus=machine.gpus(),
            scratch=Path(scratch),
        ) as pool:
            for number in range(_ROUNDS):
                folder = Path(scratch) / f"round-{number}"
                contention = Contention()
                rounds.append(_round(pool, _task(spec, epochs, folder), workers))
                waited = contention.share

    first, last = rounds[0], rounds[-1]
    return Pace(
        epoch_seconds=_mean(times[SECONDS] for times in last) / epochs,
        trial_seconds=_mean(_beside(times) for times in last),
        objective_seconds=_mean(times.get(OBJECTIVE_SECONDS, 0.0) for times in last),
        start_seconds=_mean(times["started"] - opened for times in first),
        load_seconds=max(0.0, _mean(map(_took, first)) - _mean(map(_took, last))),
        spread=_spread(waited),
        basis=_basis(epochs, workers, waited),
    )


def _spread(waited: float) -> float:
    """Uncertainty of a pace during which workers waited for processors in this share of the time.

    Whoever computed beside them may end, or do more: without them the pace is the 5 % quantile.
    """
    return math.hypot(GIVEN_SPREAD, math.log(1 - waited) / NormalDist().inv_cdf(0.05))


def _basis(epochs: int, workers: int, waited: float) -> str:
    words = (
        f"a search of {epochs} epoch{'s' if epochs > 1 else ''} on this machine, on "
        f"{workers} worker{'s side by side' if workers > 1 else ''}"
    )
    if waited < _LITTLE:
        return words
    return f"{words}, which had to wait for a processor in {100 * waited:.0f} % of the time"


def _round(pool: DaskPool, task: TrialTask, workers: int) -> list[Mapping[str, Any]]:
    """The times of the same search on every worker."""
    assert task.folder is not None
    for number in range(workers):
        own = dataclasses.replace(task, folder=task.folder / str(number))
        pool.submit(f"{task.folder.name}/{number}", run_trial, own)
    found: list[Mapping[str, Any]] = []
    while len(found) < workers:
        pool.check()
        for outcome in pool.next_outcomes(timeout=0.5):
            if outcome.error is not None:
                raise UserError(f"an epoch cannot be measured: {one_line(outcome.error)}")
            if outcome.value is None:
                raise StudyStopped(f"an epoch cannot be measured: {outcome.failed or outcome.lost}")
            if outcome.value["exception"] is not None:
                raise UserError(f"an epoch cannot be measured: {outcome.value['exception']}")
            found.append(outcome.value["timestamps"])
    return found


def _task(spec: StudySpec, epochs: int, folder: Path) -> TrialTask:
    return TrialTask(
        searcher=spec.searcher,
        settings=spec.default_settings,
        config={},
        space=spec.space,
        dataset=spec.dataset,
        table=spec.table,
        budget=epochs,
        seed=0,
        objective=spec.objective,
        transfer=bool(spec.transfer),
        folder=folder,
        code=foreign.allowed(),
    )


def _took(times: Mapping[str, float]) -> float:
    return times["finished"] - times["started"]


def _beside(times: Mapping[str, float]) -> float:
    return max(0.0, _took(times) - times[SECONDS])


def _mean(values: Any) -> float:
    found = list(values)
    return float(sum(found) / len(found))
