"""An objective: the mean of the table's repeats, and a price for how far they are apart."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from oneshot_hpo.checks import check_settings, number, setting
from oneshot_hpo.experiments.objectives.objective import Found
from oneshot_hpo.experiments.objectives.of_table import OfTable
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import load_table


@dataclass(frozen=True, kw_only=True)
class Steady(OfTable):
    caution: float = setting(1.0, number(low=0, high=10, keep=float))  # deviations that are added

    def __post_init__(self) -> None:
        check_settings(self, lambda name, fault: ValueError(f"{name} {fault}"))

    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        table = load_table(found.table)
        errors = table.errors("valid", table.row_of(found.space, found.architecture))
        loss = np.nanmean(errors) + self.caution * np.nanstd(errors)
        return replace(found.known(), loss=float(loss))
