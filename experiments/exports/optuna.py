"""Exports a study as an Optuna journal file: a trial per configuration, a step per budget.

This follows Optuna's own HyperbandPruner. A configuration that reached the largest budget is
COMPLETE with its loss there, one that was not promoted is PRUNED with its last loss, one that
crashed is FAIL, and one that is running or may still be promoted is RUNNING. Losses at the budgets
are intermediate values.
"""

from __future__ import annotations

import itertools
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
from optuna.trial import FrozenTrial, TrialState

from oneshot_hpo.experiments.exports.evaluations import (
    info_of,
    is_prior,
    name,
    prior_trials,
    state,
    times_of,
)
from oneshot_hpo.experiments.exports.optuna_journal import ID, bring_up_to_date, open_journal
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import BASELINE_ID, Trial, TrialResult

STORAGE = "journal.log"

Evaluations = list[tuple[Trial, TrialResult | None]]
Decided = list[dict[int | float, bool]]
"""By bracket and budget of a rung: whether all its promotions have been submitted."""

_WITH_VALUE = (TrialState.COMPLETE, TrialState.PRUNED)


def write(study: OpenedStudy, folder: Path) -> None:
    """Write the storage with one study, which has the study's name.

    An existing storage of the same study is appended to, so that readers that have it open, such as
    optuna-dashboard, can continue in the file.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    journal = open_journal(folder / STORAGE)
    attributes = study.view.header.get("specification", {})
    bring_up_to_date(journal, study.name, attributes, trials_of(study))


def trials_of(study: OpenedStudy) -> list[FrozenTrial]:
    """All configurations: prior ones, then finished ones, then the others."""
    configurations: dict[Any, Evaluations] = {}
    for trial, result in [*prior_trials(study), *study.trials]:
        configurations.setdefault(trial.id, []).append((trial, result))
    # Of equal losses Optuna prefers the first trial, the study the first result.
    order = {trial.key: place for place, (trial, _) in enumerate(study.view.evaluations)}

    def place(runs: Evaluations) -> int:
        last = runs[-1][0]
        return -1 if is_prior(last) else order.get(last.key, len(order))

    spread = distributions(study.view.space)
    decided: Decided = [
        {
            lower.budget: upper.started == upper.planned
            for lower, upper in itertools.pairwise(bracket.rungs)
        }
        for bracket in study.view.brackets
    ]
    ordered = sorted(configurations.values(), key=place)
    return [_trial(study, runs, spread, decided) for runs in ordered]


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
    study: OpenedStudy, runs: Evaluations, spread: dict[str, BaseDistribution], decided: Decided
) -> FrozenTrial:
    """One configuration with all its evaluations, lowest budget first."""
    first, last = runs[0], runs[-1]
    result = last[1]
    ending = _state(study, *last, decided)
    times = times_of(study, *last)

    frozen = optuna.trial.create_trial(
        state=ending,
        # Like Optuna's own `tell`, which gives a pruned trial its last intermediate value.
        value=result.loss if result is not None and ending in _WITH_VALUE else None,
        params=first[0].config,
        distributions={name: spread[name] for name in first[0].config},
        # Steps are whole numbers: the epochs that were run.
        intermediate_values={
            max(1, round(run.budget)): value.loss
            for run, value in runs
            if value is not None and value.loss is not None
        },
        user_attrs={
            ID: name(first[0]),
            "bracket": study.view.bracket_of(first[0]),
            "default": first[0].id == BASELINE_ID,
            **info_of(study, first[0]),
            # Only of a finished trial: attributes of a running one could not be removed later.
            **(_reported(runs) if ending.is_finished() else {}),
            "evaluations": [_evaluation(study, *run) for run in runs],
        },
    )

    # The time of submission never changes: a running trial may already be in the file.
    frozen.datetime_start = datetime.fromtimestamp(_submitted(study, *first))
    if ending.is_finished():
        frozen.datetime_complete = datetime.fromtimestamp(times["finished"])
    return frozen


def _submitted(study: OpenedStudy, trial: Trial, result: TrialResult | None) -> float:
    return times_of(study, trial, result if is_prior(trial) else None)["submitted"]


def _state(
    study: OpenedStudy, trial: Trial, result: TrialResult | None, decided: Decided
) -> TrialState:
    if result is None:
        return TrialState.RUNNING
    if result.crashed:
        return TrialState.FAIL
    if is_prior(trial):
        is_top = trial.budget >= study.largest_budget
        return TrialState.COMPLETE if is_top else TrialState.PRUNED
    if trial.budget == study.largest_budget:  # also of a default that is in no bracket
        return TrialState.COMPLETE
    bracket = study.view.bracket_of(trial)
    # A default in no bracket waits for the larger budget of an extension.
    is_decided = bracket >= 0 and decided[bracket][trial.budget]
    return TrialState.PRUNED if is_decided else TrialState.RUNNING


def _reported(runs: Evaluations) -> dict[str, Any]:
    """What the last evaluation with a result reported, and why the last one crashed."""
    results = [result for _, result in runs if result is not None]
    if not results:
        return {}
    exception = {"exception": results[-1].exception} if results[-1].crashed else {}
    return results[-1].info | exception


def _evaluation(study: OpenedStudy, trial: Trial, result: TrialResult | None) -> dict[str, Any]:
    """One evaluation in full, for the list of evaluations."""
    info = {} if result is None else result.info
    return {
        "budget": trial.budget,
        "state": state(result),
        **info,
        **times_of(study, trial, result),
    }
