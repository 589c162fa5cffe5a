"""A small plan of baselines on the table of digits."""

from typing import Any

from experiments.baselines.plan import BaselinePlan, make_plan


def plan(**changes: Any) -> BaselinePlan:
    options: dict[str, Any] = {
        "table": "digits",
        "spaces": ["1"],
        "methods": "rs,hyperband,bohb",
        "overrides": [],
        "evaluations": 10,
        "repetitions": 6,
        "seed": 0,
        "objective": "draw",
    }
    return make_plan(**(options | changes))
