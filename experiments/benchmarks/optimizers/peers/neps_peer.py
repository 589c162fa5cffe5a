"""NePS: PriorBand, by its AskAndTell; the prior is the default configuration, if anybody chose it,
with NePS's medium confidence. Without one PriorBand draws uniformly, as NePS has it.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from neps.optimizers.algorithms import priorband
from neps.optimizers.ask_and_tell import AskAndTell
from neps.space.parameters import HPOCategorical, HPOFloat, HPOInteger
from neps.space.search_space import SearchSpace
from serving import Tokens, serve

_FIDELITY = "fidelity"


class NePS:
    """PriorBand on rungs 1, eta, eta**2, ..."""

    def __init__(self, problem: dict[str, Any]) -> None:
        # Its samplers draw from the global states.
        random.seed(problem["seed"])
        np.random.seed(problem["seed"] % 2**32)  # noqa: NPY002
        torch.manual_seed(problem["seed"])
        torch.set_num_threads(1)

        self._budgets = problem["budgets"]
        eta, top = problem["eta"], len(self._budgets) - 1
        elements: dict[str, Any] = {
            one["name"]: _parameter(one, problem["has_known_default"]) for one in problem["space"]
        }
        elements[_FIDELITY] = HPOFloat(1 - 1e-9, eta**top, is_fidelity=True)
        self._steps = np.array([eta**rung for rung in range(top + 1)])
        self._optimizer = AskAndTell(priorband(SearchSpace(elements), eta=eta))
        self._runs = Tokens()

    def ask(self) -> dict[str, Any]:
        """The next trial."""
        trial = self._optimizer.ask()
        config = dict(trial.config)
        step = config.pop(_FIDELITY)
        return {
            "key": trial.id.partition("_rung_")[0],
            "config": config,
            "budget": self._budgets[int(np.abs(np.log(self._steps / step)).argmin())],
            "token": self._runs.add(trial.id),
        }

    def tell(self, token: int, loss: float | None) -> None:
        """The result of a trial; a crash is an exception."""
        result = ArithmeticError("diverged") if loss is None else loss
        self._optimizer.tell(self._runs[token], result)


def _parameter(one: dict[str, Any], with_prior: bool) -> Any:
    prior = {"prior": one["default"], "prior_confidence": "medium"} if with_prior else {}
    if one["kind"] == "category":
        return HPOCategorical(choices=one["choices"], **prior)
    kind = {"float": HPOFloat, "integer": HPOInteger}[one["kind"]]
    return kind(one["low"], one["high"], log=one["log"], **prior)


if __name__ == "__main__":
    serve(NePS, ["neural-pipeline-search", "torch"])
