"""HpBandSter's BOHB as published, with its defaults, without Pyro: the loop of its Master.run is
turned inside out, so that another clock than the machine's decides when a run ends.
"""

from __future__ import annotations

import random
from typing import Any

import hpbandster.core.master
import numpy as np
from config_space import config_space
from hpbandster.core.dispatcher import Job
from serving import Tokens, serve


class _NoDispatcher:
    """In place of the dispatcher, which would look for workers on the network."""

    def __init__(self, *arguments: Any, **more: Any) -> None:
        pass

    def run(self) -> None:
        """Ends at once."""


hpbandster.core.master.Dispatcher = _NoDispatcher

from hpbandster.optimizers import BOHB  # noqa: E402 - after the line above


class HpBandSter:
    """A master that hands out its runs one by one."""

    def __init__(self, problem: dict[str, Any]) -> None:
        # Its generator draws from the global states.
        random.seed(problem["seed"])
        np.random.seed(problem["seed"] % 2**32)  # noqa: NPY002
        self._master = BOHB(
            configspace=config_space(problem["space"], problem["seed"]),
            eta=problem["eta"],
            min_budget=problem["min_budget"],
            max_budget=problem["budgets"][-1],
            run_id="bench",
        )
        self._runs = Tokens()

    def ask(self) -> dict[str, Any]:
        """As Master.run finds its next run."""
        master = self._master
        while True:
            for number in master.active_iterations():
                run = master.iterations[number].get_next_run()
                if run is not None:
                    return self._started(run)
            master.iterations.append(master.get_next_iteration(len(master.iterations), {}))

    def _started(self, run: tuple[Any, dict[str, Any], float]) -> dict[str, Any]:
        number, config, budget = run
        self._master.num_running_jobs += 1
        return {
            "key": str(number),
            "config": dict(config),
            "budget": budget,
            "token": self._runs.add(run),
        }

    def tell(self, token: int, loss: float | None) -> None:
        """What the dispatcher would do with a result."""
        number, config, budget = self._runs[token]
        job = Job(number, config=config, budget=budget)
        job.result = None if loss is None else {"loss": loss, "info": {}}
        job.exception = "diverged" if loss is None else None
        job.timestamps = {}
        self._master.job_callback(job)


if __name__ == "__main__":
    serve(HpBandSter, ["hpbandster", "ConfigSpace"])
