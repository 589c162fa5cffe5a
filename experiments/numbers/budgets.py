"""Whether small budgets rank configurations as large ones do."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.rank_correlation import (
    LEAST,
    RankCorrelation,
    rank_correlation,
)
from oneshot_hpo.experiments.numbers.sources import successful_trials
from oneshot_hpo.experiments.objectives.section import VALIDATION
from oneshot_hpo.experiments.study.opened import OpenedStudy


@dataclass(frozen=True, eq=False)
class BudgetRanks:
    """Rank correlations of losses between budgets, over configurations evaluated at both.

    Only promoted configurations were, that is the better ones; ranks agree less among these than
    among all.
    """

    budgets: list[int | float]
    """B budgets, ascending, in epochs."""
    correlations: list[list[RankCorrelation]]
    """B rows of B; a crash ranks last. NaN for fewer than LEAST configurations; the diagonal has
    the number of configurations at a budget."""
    crashed: int
    """Crashed evaluations among those that are correlated."""
    measure: str = VALIDATION
    """What is minimised (`OpenedStudy.measure`)."""


def budget_ranks(study: OpenedStudy) -> BudgetRanks:
    """Correlate a study's budgets.

    NotEnoughData: no two budgets have LEAST configurations in common.
    """
    losses: dict[int | float, dict[object, float]] = {}
    successful_trials(study)  # raises if all crashed
    for trial, result in study.view.evaluations:
        loss = np.inf if result.crashed or result.loss is None else result.loss
        losses.setdefault(trial.budget, {})[trial.id] = loss

    budgets = sorted(losses)
    rows, most, crashed = [], 0, set()
    for one in budgets:
        row = []
        for two in budgets:
            common = [key for key in losses[one] if key in losses[two]]
            x, y = ([losses[budget][key] for key in common] for budget in (one, two))
            row.append(rank_correlation(x, y))
            if one != two:
                most = max(most, len(common))
                crashed |= {(one, key) for key in common if np.isinf(losses[one][key])}
        rows.append(row)

    if most < LEAST:
        raise NotEnoughData(
            f"{study.source}: a rank correlation needs {LEAST} configurations evaluated at two "
            f"budgets; there are {most} at most"
        )
    return BudgetRanks(budgets, rows, len(crashed), study.measure)
