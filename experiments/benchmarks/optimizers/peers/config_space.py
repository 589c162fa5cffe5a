"""The problem's space as a ConfigSpace, for libraries that take one, of old versions and new."""

from __future__ import annotations

from typing import Any

from ConfigSpace import ConfigurationSpace
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)


def config_space(description: list[dict[str, Any]], seed: int) -> ConfigurationSpace:
    """The space of a description, as `peer.described_space` writes it."""
    space = ConfigurationSpace(seed=seed)
    for one in description:
        kind, name, default = one["kind"], one["name"], one["default"]
        found: Any
        if kind == "category":
            found = CategoricalHyperparameter(name, one["choices"], default_value=default)
        else:
            number = {
                "float": UniformFloatHyperparameter,
                "integer": UniformIntegerHyperparameter,
            }[kind]
            found = number(name, one["low"], one["high"], default_value=default, log=one["log"])
        # ConfigSpace 1 has `add`, older versions the other name.
        add = getattr(space, "add", None) or space.add_hyperparameter
        add(found)
    return space
