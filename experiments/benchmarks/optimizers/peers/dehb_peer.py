"""DEHB with its defaults, by its ask and tell. A crash has an infinite loss."""

from __future__ import annotations

import math
import tempfile
from typing import Any

from config_space import config_space
from dehb import DEHB
from serving import Tokens, serve


class DEHBPeer:
    """An optimizer of one worker, so that it starts no Dask client: the clock has the workers."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        space = config_space(problem["space"], problem["seed"])
        self._optimizer = DEHB(
            cs=space,
            f=None,
            dimensions=len(problem["space"]),
            min_fidelity=problem["min_budget"],
            max_fidelity=problem["budgets"][-1],
            eta=problem["eta"],
            seed=problem["seed"],
            n_workers=1,
            save_freq="end",
            output_path=self._folder.name,
        )
        self._runs = Tokens()

    def ask(self) -> dict[str, Any]:
        """DEHB's next job."""
        job = self._optimizer.ask()
        return {
            "key": str(job["config_id"]),
            "config": dict(job["config"]),
            "budget": job["fidelity"],
            "token": self._runs.add(job),
        }

    def tell(self, token: int, loss: float | None) -> None:
        """The result of a job; its cost decides nothing."""
        fitness = math.inf if loss is None else loss
        self._optimizer.tell(self._runs[token], {"fitness": fitness, "cost": 1.0})


if __name__ == "__main__":
    serve(DEHBPeer, ["dehb", "ConfigSpace"])
