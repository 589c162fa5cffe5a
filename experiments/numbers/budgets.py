"""Whether small budgets rank configurations as large ones do."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.rank_correlation import (
    LEAST,
    RankCorrelation,
    rank_correlation,
)
from oneshot_hpo.experiments.numbers.rung_agreement import RungAgreement
from oneshot_hpo.experiments.numbers.sources import successful_trials
from oneshot_hpo.experiments.objectives.section import VALIDATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo import TrialId


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

    @property
    def with_largest(self) -> list[RungAgreement]:
        """The agreement of each smaller budget with the largest, where it can be known."""
        found = [
            RungAgreement(budget, row[-1])
            for budget, row in zip(self.budgets[:-1], self.correlations, strict=False)
        ]
        return [one for one in found if not math.isnan(one.correlation.rho)]


@dataclass(frozen=True)
class PromotionCost:
    """What promoted trials cost, in epochs."""

    spent: float
    """By all trials of a study so far."""
    repeated: float
    """By promoted trials that began again, up to the budget that they had been promoted from."""
    saved: float
    """The same of those that went on, which did not have to run it again."""


def promotion_cost(study: OpenedStudy) -> PromotionCost:
    """The epochs that promoted trials of a study ran again, or did not have to."""
    spent = repeated = saved = 0.0
    before: dict[TrialId, int | float] = {}
    for trial, _ in sorted(study.view.evaluations, key=lambda pair: pair[0].budget):
        spent += trial.spent
        if trial.continues is not None:
            saved += trial.continues
        elif study.view.bracket_of(trial) >= 0:
            repeated += before.get(trial.id, 0)
        before[trial.id] = trial.budget
    return PromotionCost(spent, repeated, saved)


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
