"""Regret of one study and of its confirmation, over what they had spent."""

from __future__ import annotations

import numpy as np

from oneshot_hpo.experiments.numbers.searches import rerun_search
from oneshot_hpo.experiments.numbers.sources import finished_trials
from oneshot_hpo.experiments.numbers.spread import Steps
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import (
    Outcome,
    objective_seconds,
    processor_seconds,
    search_seconds,
)
from oneshot_hpo.hpo import Rerun, Trial, TrialResult
from oneshot_hpo.hpo.incumbent import beats

REGRETS = {"valid": "valid_regret", "test": "regret"}
"""The field of an outcome with the regret of each error."""


def incumbent_steps(study: OpenedStudy, axis: str, error: str) -> Steps | None:
    """The regret of a study's incumbent after each evaluation from its first incumbent on.

    axis: "evaluations", in units of the largest budget; "real", seconds of all searches together;
    "seconds", as `clock_seconds` has them. error: "valid" or "test".

    None: every trial crashed, no search recorded its time, or a cell's training time is unknown.
    """
    spent, x, y = 0.0, [], []
    best: tuple[float, float] | None = None  # budget and loss of the incumbent
    regret = np.nan
    for trial, result in finished_trials(study):
        cost = cost_of(study, trial, result, axis)
        if cost is None:
            return None
        spent += cost
        if not result.crashed:
            assert result.loss is not None
            if best is None or beats(trial.budget, result.loss, *best):
                best = (trial.budget, result.loss)
                regret = Outcome.from_result(result).reported(REGRETS[error])
        if best is not None and spent > 0:
            x.append(spent)
            y.append(regret)
    return Steps(np.array(x), np.array(y)) if x else None


def cost_of(study: OpenedStudy, trial: Trial, result: TrialResult, axis: str) -> float | None:
    """What an evaluation cost on an axis of `incumbent_steps`; None if it is not known."""
    if axis == "evaluations":
        return trial.spent / study.largest_budget
    return clock_seconds(study, result) if axis == "seconds" else seconds_spent(result)


def clock_seconds(study: OpenedStudy, result: TrialResult) -> float | None:
    """Seconds on the clock that one-shot and black-box optimizers share.

    They are those of the search, and of training the cell that it found: the table's, or those of
    an objective that trained it. A search on a CPU counts no more than its processor seconds, so
    that what else a machine did is not counted. None: the table has no training times.
    """
    outcome = Outcome.from_result(result)
    spent, processor = seconds_spent(result), processor_seconds(result)
    if processor is not None:
        spent = min(spent, processor + (objective_seconds(result) or 0.0))
    if result.crashed or outcome.trained is not None:
        return spent
    trained = outcome.training_seconds
    if trained is None and outcome.document is not None and study.located.table is not None:
        trained = study.cells.training_seconds(outcome.document)  # journals of earlier versions
    return None if trained is None else spent + trained


def clock_spent(study: OpenedStudy) -> float | None:
    """Seconds of a study so far on that clock; None if a cell's training time is unknown."""
    found = [clock_seconds(study, result) for result in all_results(study)]
    known = [seconds for seconds in found if seconds is not None]
    return sum(known) if len(known) == len(found) else None


def all_results(study: OpenedStudy) -> list[TrialResult]:
    """The results that tuning has cost so far: evaluations, and replicates of the best ones."""
    replicates = [result for _, result in study.view.replicates]
    return [*(result for _, result in finished_trials(study)), *replicates]


def seconds_spent(result: TrialResult) -> float:
    """Seconds that a search and its objective took; 0 if its worker died first."""
    seconds = search_seconds(result)
    if seconds is not None:
        return seconds + (objective_seconds(result) or 0.0)
    times = result.timestamps
    last_attempt = times.get("finished", 0.0) - times.get("started", times.get("finished", 0.0))
    return max(0.0, last_attempt)


def evaluations_spent(study: OpenedStudy) -> float:
    """Evaluations of a study so far, in units of the largest budget; crashes count in full."""
    return sum(trial.spent for trial, _ in finished_trials(study)) / study.largest_budget


def search_steps(study: OpenedStudy, run: Rerun, result: TrialResult, error: str) -> Steps | None:
    """The regret of the cell that a search would end with, over the search's seconds.

    A crash has infinite regret. None: the epochs are missing.
    """
    if result.crashed:
        return Steps(np.zeros(1), np.full(1, np.inf))
    search, best = rerun_search(study, run, result), study.cells.best
    errors = search.valid_error if error == "valid" else search.test_error
    floor = best.valid_error if error == "valid" else best.test_error
    known = ~np.isnan(errors)
    if not known.any():
        return None
    return Steps(np.cumsum(search.seconds)[known], errors[known] - floor)
