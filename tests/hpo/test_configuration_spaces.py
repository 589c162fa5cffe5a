import pytest
from ConfigSpace import Float, Integer
from ConfigSpace.hyperparameters import (
    Hyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)

from oneshot_hpo.hpo import Range, StudyError, configuration_space

CS1 = {"weight_decay": (1e-5, 1e-3, 3e-4, True), "cutout_prob": (0, 1, 0, False)}
CS2 = {**CS1, "learning_rate": (1e-3, 1, 0.025, True)}
CS3 = {
    **CS2,
    "arch_learning_rate": (1e-5, 1e-2, 3e-4, True),
    "arch_weight_decay": (1e-4, 1e-1, 1e-3, True),
    "momentum": (0, 0.99, 0.9, False),
    "cutout_length": (2, 32, 16, True),
    "batch_size": (16, 128, 96, False),
    "grad_clip": (1, 9, 5, False),
}
INTEGERS = {"cutout_length", "batch_size", "grad_clip"}


def describe(hyperparameter: Hyperparameter) -> tuple[float, float, float, bool]:
    assert isinstance(hyperparameter, UniformFloatHyperparameter | UniformIntegerHyperparameter)
    h = hyperparameter
    return (h.lower, h.upper, h.default_value, h.log)


@pytest.mark.parametrize(("name", "expected"), [("cs1", CS1), ("cs2", CS2), ("cs3", CS3)])
def test_ranges_defaults_and_scales_are_the_papers(name: str, expected: dict) -> None:
    space = configuration_space(name)
    assert {hp: describe(space[hp]) for hp in space} == expected
    integers = {hp for hp in space if isinstance(space[hp], UniformIntegerHyperparameter)}
    assert integers == INTEGERS & expected.keys()


def test_cutout_is_no_longer_than_the_image() -> None:
    assert describe(configuration_space("cs3", image_size=8)["cutout_length"]) == (2, 8, 4, True)
    assert describe(configuration_space("cs3", image_size=64)["cutout_length"])[1:3] == (32, 16)


def test_own_defaults_replace_the_papers_and_other_names_are_left_alone() -> None:
    own = {"batch_size": 64.0, "weight_decay": 1e-4, "channels": 16}
    default = configuration_space("cs3", defaults=own).get_default_configuration()
    assert default["batch_size"] == 64
    assert default["weight_decay"] == 1e-4
    assert default["grad_clip"] == 5


def test_cs3_gains_the_optimizers_hyperparameters_and_drops_unused_ones() -> None:
    own = {"temperature": Range(10.0, 2.0, 20.0, log=True), "cells": Range(100, 10, 1000)}
    arguments = {"own": own, "without": {"arch_weight_decay"}, "defaults": {"cells": 200}}
    space = configuration_space("cs3", **arguments)
    assert set(space) == set(CS3) - {"arch_weight_decay"} | set(own)
    assert describe(space["temperature"]) == (2, 20, 10, True)
    assert describe(space["cells"]) == (10, 1000, 200, False)
    assert isinstance(space["cells"], UniformIntegerHyperparameter)
    assert set(configuration_space("cs2", **arguments)) == set(CS2)


def test_the_default_of_an_unused_hyperparameter_is_not_checked() -> None:
    fixed = {"arch_weight_decay": 0.0}
    space = configuration_space("cs3", defaults=fixed, without=fixed)
    assert "arch_weight_decay" not in space


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "cs4"}, "cs4.*cs1, cs2, cs3"),
        ({"name": "cs3", "image_size": 3}, "image_size.*4 pixels"),
        ({"name": "cs3", "defaults": {"grad_clip": 0}}, r"grad_clip.*\[1, 9\].*0"),
        ({"name": "cs3", "defaults": {"grad_clip": 2.5}}, "grad_clip.*whole number.*2.5"),
        ({"name": "cs3", "image_size": 8, "defaults": {"cutout_length": 16}}, "cutout_length"),
        ({"name": "cs1", "defaults": {"weight_decay": float("nan")}}, "weight_decay.*nan"),
        ({"name": "cs1", "defaults": {"weight_decay": "0.1"}}, "weight_decay.*'0.1'"),
        ({"name": "cs3", "own": {"decay": Range(2.0, 0.0, 1.0)}}, r"decay.*\[0.0, 1.0\].*2.0"),
    ],
)
def test_bad_input_is_named(arguments: dict, message: str) -> None:
    with pytest.raises(StudyError, match=message):
        configuration_space(**arguments)


@pytest.mark.parametrize("image_size", [32, 8])
def test_the_published_cs3_has_nine_hyperparameters_and_the_middle_of_ranges(
    image_size: int,
) -> None:
    """ConfigSpace's own default, for each hyperparameter to which the authors give none."""
    own = {"temperature_start": Range(10.0, 1.0, 20.0)}
    space = configuration_space("cs3-paper", image_size=image_size, own=own)
    assert len(space) == 9
    assert "temperature_start" not in space
    unnamed = {
        "arch_learning_rate": Float("x", (1e-5, 1e-2), log=True),
        "arch_weight_decay": Float("x", (1e-4, 1e-1), log=True),
        "momentum": Float("x", (0.0, 0.99)),
        "cutout_length": Integer("x", (2, image_size), log=True),
        "batch_size": Integer("x", (16, 128)),
        "grad_clip": Integer("x", (1, 9)),
    }
    for name, middle in unnamed.items():
        assert space[name].default_value == pytest.approx(middle.default_value, rel=1e-12), name
    assert space["weight_decay"].default_value == 3e-4
    assert space["cutout_prob"].default_value == 0
    assert space["learning_rate"].default_value == 0.025

    ranges = {name: (space[name].lower, space[name].upper) for name in space}
    cs3 = configuration_space("cs3", image_size=image_size)
    assert ranges == {name: (cs3[name].lower, cs3[name].upper) for name in cs3}
