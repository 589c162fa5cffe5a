"""How fast searches run, and how long a study will still take."""

from __future__ import annotations

from collections.abc import Iterable

from oneshot_hpo.experiments.study.outcome import (
    compare_seconds,
    objective_seconds,
    search_seconds,
)
from oneshot_hpo.hpo import Rerun, StudyView, Trial, TrialResult
from oneshot_hpo.hpo.brackets import Rung, own_budgets


def seconds_an_epoch(evaluations: Iterable[tuple[Trial | Rerun, TrialResult]]) -> float | None:
    """Seconds per epoch of one worker, over searches that did not crash; None if there is none."""
    spent = epochs = 0.0
    for trial, result in evaluations:
        seconds = search_seconds(result)
        if seconds is not None and not result.crashed:
            spent += seconds
            epochs += _epochs(trial)
    return spent / epochs if epochs else None


def seconds_an_objective(evaluations: Iterable[tuple[Trial | Rerun, TrialResult]]) -> float:
    """Mean seconds that an objective takes itself, whatever the budget; 0 if that is not known."""
    spent = [objective_seconds(result) for _, result in evaluations]
    known = [seconds for seconds in spent if seconds is not None]
    return sum(known) / len(known) if known else 0.0


def seconds_left(study: StudyView, workers: int) -> float | None:
    """Seconds until a study is finished, at the pace of its searches.

    None: there is no pace yet, or a stop rule was reached, so that less runs than is planned.

    What comparing cells takes is the same at every budget, and so is the objective's own time.
    """
    searches = [
        (trial.spent, seconds, compare_seconds(result))
        for trial, result in study.evaluations
        if not result.crashed and (seconds := search_seconds(result)) is not None
    ]
    if not searches or study.stop_reached is not None:
        return None
    epochs, seconds, compared = (sum(column) for column in zip(*searches, strict=True))
    an_epoch = (seconds - compared) / epochs
    a_trial = compared / len(searches) + seconds_an_objective(study.evaluations)
    left = 0.0
    for bracket in study.brackets:
        planned = [Rung(rung.budget, rung.planned) for rung in bracket.rungs]
        for rung, own in zip(bracket.rungs, own_budgets(study.settings, planned), strict=True):
            left += (rung.planned - rung.finished) * (a_trial + own * an_epoch)
    return left / workers


def _epochs(trial: Trial | Rerun) -> int | float:
    """Epochs that a trial ran itself."""
    return trial.spent if isinstance(trial, Trial) else trial.budget
