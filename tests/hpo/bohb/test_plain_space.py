"""Conversions and draws without ConfigSpace's objects; ConfigSpace is the oracle, to the bit."""

from typing import Any

import numpy as np
import pytest
from ConfigSpace import (
    CategoricalHyperparameter,
    Configuration,
    ConfigurationSpace,
    Constant,
    Float,
    ForbiddenEqualsClause,
    Integer,
    NormalFloatHyperparameter,
    OrdinalHyperparameter,
)
from ConfigSpace.hyperparameters import NumericalHyperparameter
from support.toy_study import mixed_space

from oneshot_hpo.hpo import configuration_space
from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.bohb.plain_space import PlainSpace
from oneshot_hpo.hpo.plain import plain


def every_kind() -> ConfigurationSpace:
    space = ConfigurationSpace()
    space.add(
        Constant("epochs", 7),
        Constant("share", 0.1 + 0.2),
        CategoricalHyperparameter("only", ["x"]),
        CategoricalHyperparameter("flag", [True, False]),
        CategoricalHyperparameter("mixed", ["a", 1, 2.5]),
        CategoricalHyperparameter("weighted", [1, 2.5], weights=[3, 1]),
        OrdinalHyperparameter("width", [8, 16, 32]),
        Float("tiny", (1e-9, 1e-3), log=True),
        Float("unit", (0, 1)),
        Float("wide", (-5, 1e6)),
        Integer("two", (0, 1)),
        Integer("seed", (0, 2**40)),
        Integer("large", (1, 10**9), log=True),
    )
    return space


SPACES = [configuration_space("none"), configuration_space("cs3"), every_kind()]


def assert_same(mine: dict[str, Any], configuration: Configuration) -> None:
    expected = plain(dict(configuration))
    assert list(mine.items()) == list(expected.items())
    assert [type(value) for value in mine.values()] == [type(v) for v in expected.values()]


@pytest.mark.parametrize("space", SPACES)
def test_samples_and_vectors_are_those_of_configspace(space: ConfigurationSpace) -> None:
    plain_space = PlainSpace.of(space)
    assert plain_space is not None
    for seed in range(50):
        space.seed(seed)
        configuration = space.sample_configuration()
        mine = plain_space.sample(seed)
        assert_same(mine, configuration)
        expected = Configuration(space, values=mine).get_array()
        np.testing.assert_array_equal(plain_space.vector(mine), expected)


@pytest.mark.parametrize("space", SPACES)
def test_configurations_of_vectors_are_those_of_configspace(space: ConfigurationSpace) -> None:
    plain_space = PlainSpace.of(space)
    assert plain_space is not None
    rng = np.random.default_rng(0)
    space.seed(0)
    for number in range(50):
        vector = space.sample_configuration().get_array().copy()
        for place, hp in enumerate(space.values()):
            if isinstance(hp, NumericalHyperparameter):
                vector[place] = rng.random() if number % 5 else rng.integers(2)
        assert_same(plain_space.configuration(vector), Configuration(space, vector=vector))


def test_what_may_be_outside_the_space_has_no_vector() -> None:
    space = every_kind()
    plain_space = PlainSpace.of(space)
    assert plain_space is not None
    inside = dict(plain_space.sample(0))
    assert plain_space.vector(inside) is not None
    wrong: list[dict[str, Any]] = [
        {"unit": 1.5},
        {"unit": float("nan")},
        {"unit": "0.5"},
        {"unit": True},
        {"two": 0.5},
        {"large": 10**400},
        {"width": 9},
        {"mixed": ["a"]},
        {"epochs": 8},
        {"other": 1},
    ]
    for change in wrong:
        assert plain_space.vector(inside | change) is None, change
    for name in inside:
        assert plain_space.vector({k: v for k, v in inside.items() if k != name}) is None


def test_a_configuration_is_in_the_space_where_configspace_says_so() -> None:
    encoding = Encoding(every_kind())
    inside = encoding.sample(0)
    assert encoding.contains(inside)
    assert encoding.contains(inside | {"two": 1.0})  # a whole number, which ConfigSpace accepts
    for change in ({"unit": -0.1}, {"width": 9}, {"other": 1}, {"large": 10**400}):
        assert not encoding.contains(inside | change)


def test_other_spaces_are_left_to_configspace() -> None:
    forbidding = configuration_space("cs2")
    forbidding.add(ForbiddenEqualsClause(forbidding["cutout_prob"], 0.5))
    normal = ConfigurationSpace()
    normal.add(NormalFloatHyperparameter("x", 0, 1, lower=-5, upper=5))
    lists = ConfigurationSpace()
    lists.add(CategoricalHyperparameter("shape", [[1, 2], [3]]))
    for space in (forbidding, normal, lists, mixed_space()):
        assert PlainSpace.of(space) is None
        space.seed(3)
        expected = plain(dict(space.sample_configuration()))
        assert Encoding(space).sample(3) == expected
