import numpy as np
import pytest
from ConfigSpace import (
    CategoricalHyperparameter,
    ConfigurationSpace,
    Constant,
    Float,
    ForbiddenEqualsClause,
    Integer,
    OrdinalHyperparameter,
)
from support.toy_study import mixed_space

from oneshot_hpo.hpo import configuration_space
from oneshot_hpo.hpo.bohb.encoding import Encoding


@pytest.mark.parametrize("space", [configuration_space("cs3"), mixed_space()])
def test_every_configuration_survives_a_round_trip(space: ConfigurationSpace) -> None:
    encoding = Encoding(space)
    space.seed(0)
    for configuration in space.sample_configuration(200):
        config = dict(configuration)
        vector = encoding.encode(config)
        vector[np.isnan(vector)] = 0.5  # inactive: any value will do
        decoded = encoding.decode(vector)
        assert decoded.keys() == config.keys()
        for name, value in config.items():
            if isinstance(value, float):
                assert decoded[name] == pytest.approx(value, rel=1e-9, abs=1e-12)
            else:
                assert decoded[name] == value


def test_values_are_plain_python() -> None:
    config = Encoding(mixed_space()).decode(np.array([0.0, 0.9, 0.3, 0.5]))
    types = {name: type(value) for name, value in config.items()}
    assert types == {"optimizer": str, "rate": float, "width": int, "momentum": float}


def test_ordinals_are_numbers_with_equal_shares() -> None:
    space = ConfigurationSpace()
    space.add(OrdinalHyperparameter("width", [8, 16, 32, 64]))
    encoding = Encoding(space)
    assert encoding.levels.tolist() == [0]
    encoded = [encoding.encode({"width": width})[0] for width in (8, 16, 32, 64)]
    assert encoded == [0.125, 0.375, 0.625, 0.875]
    points = [0.0, 0.24, 0.26, 0.5, 0.76, 1.0]
    widths = [encoding.decode(np.array([x]))["width"] for x in points]
    assert widths == [8, 8, 16, 32, 64, 64]


def test_a_hyperparameter_with_one_value_is_no_dimension() -> None:
    space = ConfigurationSpace()
    space.add(Constant("epochs", 7), CategoricalHyperparameter("only", ["x"]), Integer("n", (1, 3)))
    encoding = Encoding(space)
    assert encoding.dimensions == 1
    assert encoding.decode(np.array([1.0])) == {"epochs": 7, "only": "x", "n": 3}


def test_forbidden_and_foreign_configurations_raise() -> None:
    space = ConfigurationSpace()
    space.add(CategoricalHyperparameter("kind", ["a", "b"]), Float("x", (0, 1)))
    space.add(ForbiddenEqualsClause(space["kind"], "b"))
    encoding = Encoding(space)
    assert encoding.decode(np.array([0.0, 0.5]))["kind"] == "a"
    with pytest.raises(ValueError, match="Forbidden"):
        encoding.decode(np.array([1.0, 0.5]))
    for config in ({"kind": "a", "x": 2.0}, {"kind": "a"}, {"kind": "a", "x": 0.5, "y": 1}):
        with pytest.raises(ValueError, match=r"."):
            encoding.encode(config)
