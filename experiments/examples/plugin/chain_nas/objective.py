"""An objective: the mean of the table's repeats, and a price for how far they are apart."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from oneshot_hpo.experiments.objectives.objective import Found
from oneshot_hpo.experiments.objectives.of_table import OfTable
from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import load_table


@dataclass(frozen=True)
class Steady(OfTable):
    caution: float = 1.0  # standard deviations that are added to the mean

    def __post_init__(self) -> None:
        if not 0 <= self.caution <= 10:
            raise ValueError(f"caution must be in 0 to 10, not {self.caution!r}")

    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        table = load_table(found.table)
        errors = table.errors("valid", table.row_of(found.space, found.architecture))
        loss = np.nanmean(errors) + self.caution * np.nanstd(errors)
        return replace(found.known(), loss=float(loss))
