"""What one study and its confirmation spent, and what regret they had reached by then."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from experiments.figures.data.sources import StudySource
from experiments.figures.data.spread import Steps
from hpo import Rerun, TrialResult


def incumbent_steps(study: StudySource, axis: str, error: str) -> Steps | None:
    """The regret of a study's incumbent after each evaluation from its first incumbent on.

    axis: "evaluations", in units of the largest budget, or "real", seconds of all searches
    together. The incumbent has the lowest loss at the largest budget so far (as
    `StudyView.incumbent`). None: every trial crashed.
    """
    spent, x, y = 0.0, [], []
    best: tuple[float, float] | None = None  # minus its budget, its loss
    regret = np.nan
    for trial, result in study.evaluations:
        if axis == "evaluations":
            spent += trial.budget / study.largest_budget
        else:
            spent += result.timestamps.get("search_seconds", 0.0)
        if not result.crashed:
            assert result.loss is not None
            if best is None or (-trial.budget, result.loss) < best:
                best = (-trial.budget, result.loss)
                regret = result.info[f"{error}_regret"]
        if best is not None:
            x.append(spent)
            y.append(regret)
    return Steps(np.array(x), np.array(y)) if x else None


def evaluations_spent(study: StudySource) -> float:
    """Of a study so far, in units of the largest budget; crashes count in full."""
    return sum(trial.budget for trial, _ in study.evaluations) / study.largest_budget


def told_runs(study: StudySource, setting: str) -> list[tuple[Rerun, TrialResult]]:
    """What was told of a setting of the study's confirmation, by number of the seed."""
    assert study.confirmation is not None
    return list(study.confirmation.of_setting(setting).values())


def search_steps(
    study: StudySource, runs: Sequence[tuple[Rerun, TrialResult]], error: str
) -> list[Steps]:
    """The regret of the cell that each search would end with, over the seconds of its own search.

    A crash is a search of infinite regret. Searches whose epochs are not there are left out.
    """
    best = study.cells.best
    found = []
    for run, result in runs:
        search = study.rerun(run, result)
        errors = search.valid_error if error == "valid" else search.test_error
        floor = best.valid_error if error == "valid" else best.test_error
        known = ~np.isnan(errors)
        seconds = np.cumsum(search.seconds)
        if result.crashed:
            found.append(Steps(np.zeros(1), np.full(1, np.inf)))
        elif known.any():
            found.append(Steps(seconds[known], errors[known] - floor))
    return found
