from typing import Any

import pytest

from oneshot_hpo.hpo import InvalidSettings, OptimizerSettings


def settings(**changes: Any) -> OptimizerSettings:
    return OptimizerSettings(**{"min_budget": 1, "max_budget": 9, "iterations": 1, **changes})


@pytest.mark.parametrize(
    "changes",
    [
        {"min_budget": 10},
        {"min_budget": 0},
        {"min_budget": "1"},
        {"max_budget": float("inf")},
        {"eta": 1.9},
        {"eta": float("nan")},
        {"iterations": -1},
        {"iterations": 2.0},
        {"iterations": True},
        {"seed": -1},
        {"bracket_sizes": "mine"},
        {"generator": "tpe"},
        {"min_points_in_model": 0},
        {"top_n_percent": 100},
        {"num_samples": 0},
        {"random_fraction": 1.1},
        {"bandwidth_factor": 0},
        {"min_bandwidth": 0.0},
    ],
)
def test_invalid_settings_are_refused_by_name(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidSettings, match=f"^{next(iter(changes))} must be "):
        settings(**changes)


def test_limits_are_allowed() -> None:
    settings(min_budget=9, eta=2, random_fraction=1, min_points_in_model=5, seed=2**70)
