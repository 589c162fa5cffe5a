"""The pace of studies that have run, from their journals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.forecast.conditions import GIVEN_SPREAD, TRIAL_SPREAD, Pace
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import objective_seconds, search_seconds
from oneshot_hpo.experiments.study.specification import StudySpec

_ALIKE = ("searcher", "command", "space", "dataset")
"""Keys that decide how long an epoch takes."""
_SIZES = (
    *("channels", "stacks", "cells_per_stack", "supernet", "partial_channels"),
    *("image_size", "train_share", "batch_size"),
)
"""Settings of the search that do, too."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class _Times:
    """The trials of one study that finished in their first attempt."""

    budgets: Floats
    """(n,) epochs."""
    searched: Floats
    """(n,) seconds of the epochs alone."""
    took: Floats
    """(n,) seconds on a worker."""
    objectives: Floats
    """(n,) seconds of the objective; 0 where there is none."""
    start: float
    """Seconds from the launch to the first trial."""
    tried: int
    crashed: int


def pace_of(opened: Sequence[OpenedStudy], spec: StudySpec) -> Pace:
    """The pace of those of these studies that search as `spec` does, on the first one's device.

    UserError: none of them searches alike and has finished trials.
    """
    alike = [study for study in opened if difference(study.spec, spec) is None]
    alike = [study for study in alike if _device(study) == _device(alike[0])]
    if not alike:
        other = f"another {difference(opened[0].spec, spec)}"
        raise UserError(
            f"--from {opened[0].folder}: it has {other}; give studies that search alike"
        )
    times = [found for study in alike if (found := _times(study)) is not None]
    if not times:
        raise UserError(f"--from {alike[0].folder}: no trial has finished there")

    epochs = [float(one.searched.sum() / one.budgets.sum()) for one in times]
    logs = np.log(epochs)
    # Few studies say little about the spread between studies.
    spread = float(np.sqrt((logs.var() * len(logs) + GIVEN_SPREAD**2) / len(logs)))
    beside = np.concatenate([one.took - one.searched for one in times])
    tried = sum(one.tried for one in times)
    names = ", ".join(study.source for study in alike[:3]) + (", …" if len(alike) > 3 else "")
    return Pace(
        epoch_seconds=float(np.exp(logs.mean())),
        trial_seconds=float(max(0.0, np.mean(beside))),
        objective_seconds=float(np.mean(np.concatenate([one.objectives for one in times]))),
        start_seconds=float(np.median([one.start for one in times])),
        spread=spread,
        trial_spread=_trial_spread(times),
        crash_share=sum(one.crashed for one in times) / tried,
        basis=f"as in {sum(len(one.budgets) for one in times)} trials of {names}"
        f" on {_device(alike[0])}",
    )


def difference(one: StudySpec, other: StudySpec) -> str | None:
    """A key by which the epochs of two studies take different times; None: they are alike."""
    for key in _ALIKE:
        if getattr(one, key) != getattr(other, key):
            return key
    for key in _SIZES:
        if key in one.search and key in other.search and one.search[key] != other.search[key]:
            return f"search.{key}"
    return None


def _device(study: OpenedStudy) -> str:
    """The machine's GPUs, else its processor; a study under SLURM knows its master's alone."""
    machine = study.view.header.get("machine") or {}
    return ", ".join(dict.fromkeys(machine.get("gpus") or [])) or machine.get("processor", "?")


def _times(study: OpenedStudy) -> _Times | None:
    """The times in a study's journal; None: no trial has finished in its first attempt."""
    rows = list(_rows(study))
    if not rows:
        return None
    view = study.view
    budgets, searched, took, objectives, started = map(np.array, zip(*rows, strict=True))
    return _Times(
        budgets=budgets,
        searched=searched,
        took=np.maximum(took, searched),
        objectives=objectives,
        start=max(0.0, float(started.min()) - view.times.created),
        tried=len(view.evaluations),
        crashed=sum(result.crashed for _, result in view.evaluations),
    )


def _rows(study: OpenedStudy) -> Iterator[tuple[float, ...]]:
    for trial, result in study.view.evaluations:
        times, seconds = result.timestamps, search_seconds(result)
        if result.crashed or trial.attempt or not seconds or "finished" not in times:
            continue
        took = times["finished"] - times["started"]
        yield trial.budget, seconds, took, objective_seconds(result) or 0.0, times["started"]


def _trial_spread(times: Sequence[_Times]) -> float:
    """Spread of single trials around their study's pace, as sigma of the logarithm."""
    ratios = [
        np.log((one.searched / one.budgets) / (one.searched.sum() / one.budgets.sum()))
        for one in times
        if len(one.budgets) > 1
    ]
    return float(np.concatenate(ratios).std()) if ratios else TRIAL_SPREAD
