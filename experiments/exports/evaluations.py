"""What every export writes: a study's trials, and before them its prior results."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import CRASHED, Outcome
from oneshot_hpo.hpo import Trial, TrialResult

PRIOR = -2
"""The bracket of a warm-started study's prior results in an export; the default has -1."""


def exported_study(folder: Path) -> OpenedStudy:
    """The study in `folder`, for an export. UserError: there is none, or it has no result yet."""
    study = OpenedStudy(folder)
    evaluations = study.view.evaluations
    if not evaluations:
        raise UserError(f"{folder}: no trial has finished yet, there is nothing to export")
    if all(result.crashed for _, result in evaluations):
        raise UserError(
            f"{folder}: there is no result to export, every trial crashed; the last one: "
            f"{evaluations[-1][1].exception}"
        )
    return study


def prior_trials(study: OpenedStudy) -> list[tuple[Trial, TrialResult]]:
    """The prior results of a warm-started study, as trials of the bracket PRIOR.

    A configuration has one id for all its budgets, [PRIOR, 0, number]. The times and seeds of these
    runs are unknown: they get the time at which the study's first trial was submitted. Results of
    which the study took the order alone are no results here.
    """
    if not study.prior:
        return []
    begun = min(study.view.record(trial).submitted_at for trial, _ in study.trials)
    trials: list[tuple[Trial, TrialResult]] = []
    numbers, seen = itertools.count(), set()
    number_of: dict[str, int] = {}
    for observed in study.prior:
        config = json.dumps(observed.config, sort_keys=True)
        number = number_of.get(config)
        # A second run at a budget is a configuration of its own.
        if number is None or (number, observed.budget) in seen:
            number = number_of[config] = next(numbers)
        seen.add((number, observed.budget))
        trial = Trial((PRIOR, 0, number), observed.budget, observed.config, -1, 0, seed=0)
        trials.append((trial, _prior_result(observed.loss, begun)))
    return trials


def info_of(study: OpenedStudy, trial: Trial) -> dict[str, Any]:
    """How the trial's configuration was found."""
    return {"prior": True} if is_prior(trial) else study.view.record(trial).info


def times_of(study: OpenedStudy, trial: Trial, result: TrialResult | None) -> dict[str, float]:
    """When a trial was submitted, started and finished, in seconds since 1970."""
    if is_prior(trial):
        assert result is not None
        return result.timestamps
    return study.trial_times(trial, result)


def epochs_of(study: OpenedStudy, trial: Trial) -> list[dict[str, Any]]:
    """The trial's finished epochs. UserError: their file is damaged."""
    return [] if is_prior(trial) else study.epochs(trial)


def is_prior(trial: Trial) -> bool:
    """Whether a trial is a prior result, not one of the study's own."""
    return trial.id[0] == PRIOR


def name(trial: Trial) -> str:
    """The name of a configuration in an export: "baseline", "0-0-3", "prior-3"."""
    return f"prior-{trial.id[2]}" if is_prior(trial) else trial.key.split("/")[0]


def _prior_result(loss: float | None, begun: float) -> TrialResult:
    times = dict.fromkeys(("submitted", "started", "finished"), begun)
    if loss is None:
        return TrialResult(None, CRASHED, "it crashed in the run before the study", times)
    return TrialResult(loss, Outcome(valid=loss).to_info(), None, times)


def state(result: TrialResult | None) -> str:
    """SUCCESS, CRASHED, or PENDING without a result."""
    if result is None:
        return "PENDING"
    return "CRASHED" if result.crashed else "SUCCESS"
