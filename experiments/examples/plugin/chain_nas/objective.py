"""An objective: the table's validation error, and a price for parameters."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from oneshot_hpo.experiments.objectives.objective import Found, Objective

from oneshot_hpo.experiments.study.outcome import Outcome
from oneshot_hpo.search_spaces import load_table


@dataclass(frozen=True)
class Lean(Objective):
    price: float = 0.01  # of 1,000 parameters, in validation error

    def __post_init__(self) -> None:
        if not 0 <= self.price <= 1:
            raise ValueError(f"price must be in 0 to 1, not {self.price!r}")

    def evaluate(self, found: Found, seed: int, stop_asked: Callable[[], bool]) -> Outcome:
        table, outcome = load_table(found.table), found.known()
        row = table.row_of(found.space, found.architecture)
        parameters = float(table.parameters_of(np.array([row]))[0])
        return replace(outcome, loss=outcome.valid + self.price * parameters / 1000)
