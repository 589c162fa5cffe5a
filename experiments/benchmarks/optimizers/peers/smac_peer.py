"""SMAC3's multi-fidelity facade: Hyperband with a random forest, by its ask and tell.

SMAC has a Hyperband facade, too, which draws configurations at random: this is the one that learns.
"""

from __future__ import annotations

import math
import tempfile
from pathlib import Path
from typing import Any

from config_space import config_space
from serving import Tokens, serve
from smac import MultiFidelityFacade, Scenario
from smac.intensifier.hyperband_utils import get_n_trials_for_hyperband_multifidelity
from smac.runhistory.dataclasses import TrialValue
from smac.runhistory.enumerations import StatusType


class SMAC:
    """A facade that never evaluates by itself."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        low, high = problem["min_budget"], problem["budgets"][-1]
        # The number of trials decides the size of the initial design.
        trials = get_n_trials_for_hyperband_multifidelity(
            total_budget=max(1.0, problem["cost"]) * high,
            min_budget=low,
            max_budget=high,
            eta=problem["eta"],
        )
        scenario = Scenario(
            config_space(problem["space"], problem["seed"]),
            deterministic=True,
            n_trials=max(trials, 2 * len(problem["budgets"])),
            min_budget=low,
            max_budget=high,
            seed=problem["seed"],
            output_directory=Path(self._folder.name),
        )
        self._facade = MultiFidelityFacade(
            scenario,
            _never,
            intensifier=MultiFidelityFacade.get_intensifier(scenario, eta=problem["eta"]),
            overwrite=True,
            logging_level=40,
        )
        self._runs = Tokens()

    def ask(self) -> dict[str, Any] | None:
        """SMAC's next trial; None: it has none."""
        try:
            trial = self._facade.ask()
        except StopIteration:
            return None
        config = dict(trial.config)
        return {
            "key": str(sorted(config.items())),
            "config": config,
            "budget": trial.budget,
            "token": self._runs.add(trial),
        }

    def tell(self, token: int, loss: float | None) -> None:
        """The result of a trial."""
        value = (
            TrialValue(cost=math.inf, status=StatusType.CRASHED)
            if loss is None
            else TrialValue(cost=loss)
        )
        self._facade.tell(self._runs[token], value, save=False)


def _never(config: Any, seed: int = 0, budget: float = 0) -> float:
    raise AssertionError("evaluations are looked up, not made")


if __name__ == "__main__":
    serve(SMAC, ["smac", "ConfigSpace"])
