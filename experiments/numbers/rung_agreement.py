"""Whether the ranks of configurations on a rung say anything of those on the top one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from oneshot_hpo.experiments.numbers.rank_correlation import RankCorrelation


@dataclass(frozen=True)
class RungAgreement:
    """Spearman's correlation of losses at a budget with those at the largest budget."""

    budget: int | float
    correlation: RankCorrelation

    @property
    def is_shown(self) -> bool:
        """Whether the ranks are shown to say something: the 95 % interval lies above 0."""
        return self.correlation.low > 0

    @property
    def words(self) -> str:
        """The correlation with its interval: "0.47 (0.17 to 0.69)"."""
        one = self.correlation
        if math.isnan(one.rho):
            return f"unknown (n = {one.n})"
        return f"{one.rho:.2f} ({one.low:.2f} to {one.high:.2f})"


def silent_words(rungs: Sequence[RungAgreement], top: int | float) -> str | None:
    """A sentence if the ranks on some rung are not shown to say anything of the top one's.

    rungs: below the top one, the smallest budget first. It names the smallest budget which would.
    None: the ranks on every rung do.
    """
    silent = [rung for rung in rungs if not rung.is_shown]
    if not silent:
        return None
    budgets = epochs_words([rung.budget for rung in silent])
    words = f"Ranks after {budgets} say nothing of those after {top:g} that can be shown: "
    useful = next((rung.budget for rung in rungs if rung.is_shown), None)
    if useful is None:
        return words + f"no smaller budget would do (min_budget: {top:g})."
    return words + f"the smallest budget whose ranks do is {useful:g} (min_budget: {useful:g})."


def epochs_words(budgets: Sequence[int | float]) -> str:
    """Budgets as "1 epoch", "3 and 6 epochs"."""
    words = " and ".join(f"{budget:g}" for budget in budgets)
    return f"{words} epoch" if list(budgets) == [1] else f"{words} epochs"
