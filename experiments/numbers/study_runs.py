"""What one study and its confirmation spent, and what regret they had reached by then."""

from __future__ import annotations

import numpy as np

from oneshot_hpo.experiments.numbers.sources import StudySource
from oneshot_hpo.experiments.numbers.spread import Steps
from oneshot_hpo.hpo import Rerun, TrialResult


def incumbent_steps(study: StudySource, axis: str, error: str) -> Steps | None:
    """The regret of a study's incumbent after each evaluation from its first incumbent on.

    axis: "evaluations", in units of the largest budget, or "real", seconds of all searches
    together. The incumbent has the lowest loss at the largest budget so far (as
    `StudyView.incumbent`). None: every trial crashed, or no search says how long it took.
    """
    spent, x, y = 0.0, [], []
    best: tuple[float, float] | None = None  # minus its budget, its loss
    regret = np.nan
    for trial, result in study.evaluations:
        if axis == "evaluations":
            spent += trial.budget / study.largest_budget
        else:
            spent += search_seconds(result)
        if not result.crashed:
            assert result.loss is not None
            if best is None or (-trial.budget, result.loss) < best:
                best = (-trial.budget, result.loss)
                regret = result.info[f"{error}_regret"]
        if best is not None and spent > 0:
            x.append(spent)
            y.append(regret)
    return Steps(np.array(x), np.array(y)) if x else None


def search_seconds(result: TrialResult) -> float:
    """Of a search; 0 where no worker lived to say."""
    times = result.timestamps
    last_attempt = times.get("finished", 0.0) - times.get("started", times.get("finished", 0.0))
    return times.get("search_seconds", max(0.0, last_attempt))


def evaluations_spent(study: StudySource) -> float:
    """Of a study so far, in units of the largest budget; crashes count in full."""
    return sum(trial.budget for trial, _ in study.evaluations) / study.largest_budget


def search_steps(study: StudySource, run: Rerun, result: TrialResult, error: str) -> Steps | None:
    """The regret of the cell that a search would end with, over the seconds of this search.

    A crash is a search of infinite regret. None: its epochs are not there.
    """
    if result.crashed:
        return Steps(np.zeros(1), np.full(1, np.inf))
    search, best = study.rerun(run, result), study.cells.best
    errors = search.valid_error if error == "valid" else search.test_error
    floor = best.valid_error if error == "valid" else best.test_error
    known = ~np.isnan(errors)
    if not known.any():
        return None
    return Steps(np.cumsum(search.seconds)[known], errors[known] - floor)
