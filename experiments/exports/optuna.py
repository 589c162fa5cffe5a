"""A study as an Optuna study in a journal file: a trial per configuration, a step per budget.

As Optuna itself has it with HyperbandPruner: a configuration that reached the largest budget is
COMPLETE with its loss there, one that was not promoted is PRUNED, one that crashed FAIL, and one
that is evaluated now RUNNING. Losses at the budgets are its intermediate values.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import optuna
from ConfigSpace import ConfigurationSpace
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    FloatHyperparameter,
    Hyperparameter,
    IntegerHyperparameter,
    OrdinalHyperparameter,
)
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from experiments.exports.evaluations import ExportedStudy, state
from hpo import BASELINE_ID, Trial, TrialResult

STORAGE = "journal.log"

Evaluations = list[tuple[Trial, TrialResult | None]]


def write(study: ExportedStudy, folder: Path) -> None:
    """Write the storage with one study, which has the study's name."""
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage = JournalStorage(JournalFileBackend(str(folder / STORAGE)))
    exported = optuna.create_study(storage=storage, study_name=study.name, direction="minimize")
    for key, value in study.view.header.get("specification", {}).items():
        exported.set_user_attr(key, value)
    configurations: dict[Any, Evaluations] = {}
    for trial, result in study.trials:
        configurations.setdefault(trial.id, []).append((trial, result))
    # Of equal losses Optuna calls the first trial the best, the study what was told first.
    told = {trial.key: place for place, (trial, _) in enumerate(study.view.evaluations)}
    ended = sorted(configurations.values(), key=lambda runs: told.get(runs[-1][0].key, len(told)))
    spread = distributions(study.view.space)
    exported.add_trials([_trial(study, runs, spread) for runs in ended])


def distributions(space: ConfigurationSpace) -> dict[str, BaseDistribution]:
    """Optuna's distribution of each hyperparameter; ordinals and constants are categories."""
    return {name: _distribution(hyperparameter) for name, hyperparameter in space.items()}


def _distribution(hyperparameter: Hyperparameter) -> BaseDistribution:
    match hyperparameter:
        case FloatHyperparameter(lower=low, upper=high, log=log):
            return FloatDistribution(float(low), float(high), log=log)
        case IntegerHyperparameter(lower=low, upper=high, log=log):
            return IntDistribution(int(low), int(high), log=log)
        case OrdinalHyperparameter(sequence=values) | CategoricalHyperparameter(choices=values):
            return CategoricalDistribution(list(values))
    return CategoricalDistribution([hyperparameter.default_value])


def _trial(
    study: ExportedStudy, runs: Evaluations, spread: dict[str, BaseDistribution]
) -> FrozenTrial:
    """One configuration with all its evaluations, lowest budget first."""
    first, last = runs[0], runs[-1]
    result = last[1]
    ending = _state(study, *last)
    times = study.times(*last)
    frozen = optuna.trial.create_trial(
        state=ending,
        value=result.loss if result is not None and ending == TrialState.COMPLETE else None,
        params=first[0].config,
        distributions={name: spread[name] for name in first[0].config},
        # Steps are whole numbers: the epochs that were run.
        intermediate_values={
            max(1, round(run.budget)): told.loss
            for run, told in runs
            if told is not None and told.loss is not None
        },
        user_attrs={
            "id": first[0].key.split("/")[0],
            "bracket": first[0].id[0],
            "default": first[0].id == BASELINE_ID,
            **study.view.record(first[0]).info,
            **_reported(runs),
            "evaluations": [_evaluation(study, *run) for run in runs],
        },
    )
    frozen.datetime_start = datetime.fromtimestamp(study.times(*first)["submitted"])
    if result is not None:
        frozen.datetime_complete = datetime.fromtimestamp(times["finished"])
    return frozen


def _state(study: ExportedStudy, trial: Trial, result: TrialResult | None) -> TrialState:
    if result is None:
        return TrialState.RUNNING
    if result.crashed:
        return TrialState.FAIL
    # The baseline has the largest budget too.
    return TrialState.COMPLETE if trial.budget == study.largest_budget else TrialState.PRUNED


def _reported(runs: Evaluations) -> dict[str, Any]:
    """What the last evaluation with a result reported, and why the last one crashed."""
    told = [result for _, result in runs if result is not None]
    exception = {"exception": told[-1].exception} if told and told[-1].crashed else {}
    return (told[-1].info if told else {}) | exception


def _evaluation(study: ExportedStudy, trial: Trial, result: TrialResult | None) -> dict[str, Any]:
    """One evaluation in full, for the list of them."""
    info = {} if result is None else result.info
    return {"budget": trial.budget, "state": state(result), **info, **study.times(trial, result)}
