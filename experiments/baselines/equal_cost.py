"""Random search at equal cost: what its best of n trainings finds, computed from the table."""

from __future__ import annotations

import numpy as np

from oneshot_hpo.experiments.baselines.plan import BaselinePlan
from oneshot_hpo.experiments.numbers.best_of_random import BestOfRandom
from oneshot_hpo.experiments.objectives.section import DRAW, TEST_MEAN
from oneshot_hpo.search_spaces import SpaceId, get_space, load_table
from oneshot_hpo.search_spaces.table import mean_of


def best_of_random(plan: BaselinePlan, space: SpaceId) -> BestOfRandom:
    """Random search in a space with the plan's objective and full evaluations."""
    table, budget = load_table(plan.table), plan.budgets[-1]
    rows = table.entries(get_space(space))
    weights = np.bincount(plan.features(space).architecture_of, minlength=len(rows)).astype(float)
    test = table.mean_errors("test", rows)
    if plan.objective == TEST_MEAN:
        return BestOfRandom(table.mean_errors("test", rows, budget), test, weights)
    if plan.objective != DRAW:
        return BestOfRandom(table.mean_errors("valid", rows, budget), test, weights)

    # one repeat of a drawn cell, each as likely
    repeats = table.errors("valid", rows, budget)
    there = ~np.isnan(repeats)
    cell = np.nonzero(there)[0]
    return BestOfRandom(repeats[there], test[cell], (weights / there.sum(1))[cell])


def trainings_worth_of_scores(plan: BaselinePlan, space: SpaceId) -> float | None:
    """How many full trainings take as long as scoring the space; None: nothing says so."""
    seconds = plan.features(space).seconds
    if not seconds:
        return None
    table = load_table(plan.table)
    times = mean_of(table.seconds(table.entries(get_space(space)), plan.budgets[-1]))
    return seconds / float(times.mean()) if np.isfinite(times).all() and times.all() else None
