"""Configurations of other spaces, adapted to a study's space or refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from oneshot_hpo.experiments.warm_start.adapting import Adapter, OutsideSpaceError
from oneshot_hpo.hpo.bohb.encoding import check_configuration
from oneshot_hpo.hpo.space_document import space_from_document

SPACE = space_from_document(
    {
        "rate": {"lower": 0.001, "upper": 0.3, "log": True, "default": 0.025},
        "batch": {"sequence": [16, 32, 64], "default": 32},
        "layers": {"lower": 1, "upper": 4, "default": 2},
        "optimizer": {"choices": ["sgd", "adam"], "default": "sgd"},
        "momentum": {"lower": 0.5, "upper": 0.99, "default": 0.9},
        "channels": {"constant": 8},
        "conditions": [{"child": "momentum", "parent": "optimizer", "equals": "sgd"}],
        "forbidden": [{"batch": 64, "layers": 4}],
    }
)
WHOLE = {
    **{"rate": 0.1, "batch": 32, "layers": 3, "optimizer": "sgd"},
    **{"momentum": 0.7, "channels": 8},
}


@pytest.mark.parametrize(
    ("config", "settings", "expected"),
    [
        (WHOLE, {}, {}),
        (WHOLE | {"cutout": 3}, {"cutout": 2}, {}),
        ({"rate": 0.2}, WHOLE, {"rate": 0.2}),
        ({"rate": 0.2, "momentum": 0.6}, {"batch": 16, "layers": 1}, {
            "rate": 0.2, "batch": 16, "layers": 1, "momentum": 0.6,
        }),
        (WHOLE | {"channels": 16}, {"channels": 4}, {}),
        (WHOLE | {"layers": 3.0, "rate": 0.1}, {}, {}),
    ],
)  # fmt: skip
def test_values_come_from_the_configuration_then_its_settings_then_the_default(
    config: dict[str, Any], settings: dict[str, Any], expected: dict[str, Any]
) -> None:
    adapted = Adapter(SPACE, settings)(config)
    assert adapted == WHOLE | expected
    assert type(adapted["layers"]) is int
    check_configuration(SPACE, adapted)


@pytest.mark.parametrize("momentum", [0.7, None, 5, "auto"])
def test_what_is_inactive_is_left_out_whatever_it_was(momentum: Any) -> None:
    config = WHOLE | {"optimizer": "adam", "momentum": momentum}
    adapted = Adapter(SPACE, {})(config)
    assert adapted == {k: v for k, v in config.items() if k != "momentum"}
    check_configuration(SPACE, adapted)


def test_what_was_inactive_has_the_setting_that_the_search_ran_with() -> None:
    """A condition of the old space is gone: its search still had a value."""
    config = {key: value for key, value in WHOLE.items() if key != "momentum"}
    assert Adapter(SPACE, {"momentum": 0.55})(config)["momentum"] == 0.55


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"rate": 0.31}, "rate outside [0.001, 0.3]"),
        ({"rate": 0}, "rate outside [0.001, 0.3]"),
        ({"rate": "scaled"}, "rate outside"),
        ({"rate": None}, "rate outside"),
        ({"rate": [0.1]}, "rate outside"),
        ({"rate": True}, "rate outside"),
        ({"rate": float("nan")}, "rate outside"),
        ({"layers": 2.5}, "layers outside [1, 4]"),
        ({"layers": 10**400}, "layers outside"),
        ({"momentum": 0.1}, "momentum outside [0.5, 0.99]"),
        ({"batch": 20}, "batch none of 16, 32, 64"),
        ({"optimizer": {}}, "optimizer none of sgd, adam"),
        ({"batch": 64, "layers": 4}, "a combination that the space forbids"),
    ],
)
def test_a_configuration_outside_says_why(change: dict[str, Any], reason: str) -> None:
    with pytest.raises(OutsideSpaceError) as error:
        Adapter(SPACE, {})(WHOLE | change)
    assert reason in str(error.value)
