"""Correlates the one-shot error of searches with the error of their cells when trained alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.rank_correlation import (
    LEAST,
    RankCorrelation,
    rank_correlation,
)
from oneshot_hpo.experiments.numbers.searches import Search, trial_search
from oneshot_hpo.experiments.numbers.sources import successful_trials, trials_by_budget
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class BudgetCorrelation:
    """The N trials of one budget that finished without a crash."""

    budget: int | float
    """In epochs."""
    one_shot_error: Array
    """(N,) one-shot errors at the end of each search, in [0, 1]."""
    test_error: Array
    """(N,) test errors of the cells found, from the table."""
    at_end: RankCorrelation
    """Correlation of these two over the trials."""
    epochs: Array
    """(E,) 1, 2, ...; empty if no epoch has its cell, or there are no epochs."""
    by_epoch: list[RankCorrelation]
    """E correlations over trials, of the errors after each epoch."""
    crashed: int
    """Trials of this budget that crashed and are left out, as they have no error at the end."""


@dataclass(frozen=True, eq=False)
class OneShotCorrelation:
    """A study's correlations, smallest budget first."""

    table: str | None
    budgets: list[BudgetCorrelation]
    """Budgets with at least LEAST trials; the others are noted."""
    notes: list[str]


def one_shot_correlation(study: OpenedStudy) -> OneShotCorrelation:
    """Correlations over a study's trials, by budget. NotEnoughData: no budget has LEAST trials."""
    results = successful_trials(study)
    for field, what in (("one_shot", "one-shot error"), ("test", "test error of a cell")):
        if study.lacks(field):
            raise NotEnoughData(f"{study.source}: its results have no {what}")
    found: list[BudgetCorrelation] = []
    notes: list[str] = []
    too_old: list[str] = []
    for budget in sorted({trial.budget for trial, _ in study.view.evaluations}):
        here = [(trial, result) for trial, result in results if trial.budget == budget]
        crashed = sum(
            result.crashed for trial, result in study.view.evaluations if trial.budget == budget
        )
        if len(here) < LEAST:
            notes.append(
                f"{study.source}: {len(here)} of the trials with {budget:g} epochs did not crash, "
                f"a rank correlation needs {LEAST}"
            )
            continue

        searches = [trial_search(study, trial, result) for trial, result in here]
        drawn = sum(len(one.epochs) > 0 and np.isnan(one.one_shot_error[-1]) for one in searches)
        if drawn:
            too_old.append(
                f"{study.source}: {drawn} of the trials with {budget:g} epochs are of an earlier "
                "version, whose one-shot error is of a cell drawn at random, not of the cell found"
            )
            continue

        outcomes = [Outcome.from_result(result) for _, result in here]
        one_shot = np.array([outcome.reported("one_shot") for outcome in outcomes])
        test = np.array([outcome.reported("test") for outcome in outcomes])
        epochs, by_epoch = _by_epoch(searches)
        at_end = rank_correlation(one_shot, test)
        found.append(BudgetCorrelation(budget, one_shot, test, at_end, epochs, by_epoch, crashed))

    if not found and too_old:
        raise NotEnoughData(too_old[-1])
    if not found:
        raise NotEnoughData(
            f"{study.source}: a rank correlation needs {LEAST} trials of one budget that did not "
            f"crash; there are {trials_by_budget(results)}"
        )
    return OneShotCorrelation(study.table_name, found, notes + too_old)


def _by_epoch(searches: list[Search]) -> tuple[Array, list[RankCorrelation]]:
    """Correlations over searches that have epochs, up to the shortest of them."""
    there = [search for search in searches if len(search.epochs)]
    length = min((len(search.epochs) for search in there), default=0)
    epochs, found = [], []
    for epoch in range(length):
        test = np.array([search.test_error[epoch] for search in there])
        if np.isnan(test).any():
            continue
        epochs.append(epoch + 1.0)
        found.append(rank_correlation([search.one_shot_error[epoch] for search in there], test))
    return np.array(epochs), found
