"""Configurations as vectors for kernel density estimators."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ConfigSpace import Configuration, ConfigurationSpace
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Constant,
    FloatHyperparameter,
    OrdinalHyperparameter,
)
from ConfigSpace.util import deactivate_inactive_hyperparameters
from numpy.typing import NDArray

from oneshot_hpo.hpo.bohb.plain_space import PlainSpace
from oneshot_hpo.hpo.errors import StudyError
from oneshot_hpo.hpo.plain import plain


class Encoding:
    """Maps configurations of a space to vectors of its d free dimensions and back.

    Numbers are in the unit interval as ConfigSpace scales them (logarithms included). Unordered
    categories are their index. The i-th of k ordinal values is the number (i + 1/2) / k, so that
    values have equal shares of the unit interval. Inactive hyperparameters are NaN. A
    hyperparameter with a single value is no dimension.
    """

    def __init__(self, space: ConfigurationSpace) -> None:
        self.space = space
        self._plain = PlainSpace.of(space)
        hyperparameters = list(space.values())
        sizes = [_number_of_values(hp) for hp in hyperparameters]
        self._free = np.array([size != 1 for size in sizes], dtype=bool)
        self._fixed_vector = np.array([hp.to_vector(hp.default_value) for hp in hyperparameters])
        free = [hp for hp, size in zip(hyperparameters, sizes, strict=True) if size != 1]
        self._hyperparameters = free
        self.levels: NDArray[np.int64] = np.array(
            [len(hp.choices) if isinstance(hp, CategoricalHyperparameter) else 0 for hp in free],
            dtype=np.int64,
        )
        """(d,) number of values of an unordered category, 0 for numbers."""
        self._ordinals = np.array(
            [len(hp.sequence) if isinstance(hp, OrdinalHyperparameter) else 0 for hp in free]
        )

    @property
    def dimensions(self) -> int:
        """d, the number of free dimensions."""
        return len(self.levels)

    @property
    def names(self) -> list[str]:
        """(d,) names of the hyperparameters."""
        return [hp.name for hp in self._hyperparameters]

    def encode_each(self, values: Mapping[str, Any]) -> NDArray[np.float64]:
        """The (d,) vector of values of single hyperparameters, of the others their defaults.

        Whether they are active does not matter, so nothing is NaN.
        """
        each = [hp.to_vector(values.get(hp.name, hp.default_value)) for hp in self._hyperparameters]
        return self._with_ordinals(np.array(each, dtype=float))

    def encode(self, config: Mapping[str, Any]) -> NDArray[np.float64]:
        """The (d,) vector of a configuration. Raises ValueError for one outside the space."""
        full = None if self._plain is None else self._plain.vector(config)
        if full is None:
            full = Configuration(self.space, values=config).get_array()
        return self._with_ordinals(full[self._free])

    def _with_ordinals(self, vector: NDArray[np.float64]) -> NDArray[np.float64]:
        ordinal = self._ordinals > 0
        vector[ordinal] = (vector[ordinal] + 0.5) / self._ordinals[ordinal]
        return vector

    def decode(self, vector: NDArray[np.float64]) -> dict[str, Any]:
        """The configuration nearest to a complete (d,) vector, without inactive hyperparameters.

        Raises ValueError when the space forbids it.
        """
        point = vector.copy()
        ordinal = self._ordinals > 0
        sizes = self._ordinals[ordinal]
        point[ordinal] = np.minimum(np.floor(point[ordinal] * sizes), sizes - 1)
        full = self._fixed_vector.copy()
        full[self._free] = point
        if self._plain is not None:
            return self._plain.configuration(full)
        everything = dict(Configuration(self.space, vector=full))
        return plain(dict(deactivate_inactive_hyperparameters(everything, self.space)))

    def contains(self, config: Mapping[str, Any]) -> bool:
        """Whether a configuration is in the space."""
        try:
            self.encode(config)
        except (ValueError, TypeError, OverflowError):
            return False
        return True

    def sample(self, seed: int) -> dict[str, Any]:
        """A uniform configuration, as ConfigSpace draws it with a seed."""
        if self._plain is not None:
            return self._plain.sample(seed)
        self.space.seed(seed)
        return plain(dict(self.space.sample_configuration()))


def tuned_names(space: ConfigurationSpace) -> frozenset[str]:
    """The hyperparameters with more than one value."""
    return frozenset(name for name, one in space.items() if _number_of_values(one) != 1)


def check_configuration(space: ConfigurationSpace, config: Mapping[str, Any]) -> None:
    """Raise StudyError, which names a wrong key, unless `config` is in the space."""
    try:
        Configuration(space, values=config)
    except (ValueError, TypeError, OverflowError) as error:
        raise StudyError(_fault(space, config) or " ".join(str(error).split())) from None


def completed_configuration(space: ConfigurationSpace, values: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration with these values, and the defaults of the other active hyperparameters.

    Raises StudyError, which names the first one that is unknown, outside its range, or inactive
    with the other values, or says that the space forbids the combination.
    """
    given = {name: _number_of(space, name, value) for name, value in values.items()}
    everything = {name: one.default_value for name, one in space.items()} | given
    if fault := _fault(space, everything):
        raise StudyError(fault)
    try:
        config = plain(dict(deactivate_inactive_hyperparameters(everything, space)))
    except ValueError as error:
        raise StudyError(" ".join(str(error).split())) from None
    for name in values:
        if name not in config:
            raise StudyError(f"{name} is inactive with the other values")
    return dict(config)


def _number_of(space: ConfigurationSpace, name: str, value: Any) -> Any:
    """A whole number as a float where the hyperparameter has floats."""
    is_float = name in space and isinstance(space[name], FloatHyperparameter)
    return float(value) if is_float and type(value) is int else value


def _fault(space: ConfigurationSpace, config: Mapping[str, Any]) -> str | None:
    """The first wrong key of a configuration; None if only the combination is forbidden."""
    for name, value in config.items():
        if name not in space:
            return f"unknown hyperparameter {name} (there are: {', '.join(space)})"
        try:
            # ConfigSpace would read a list as many values.
            legal = not isinstance(value, list) and space[name].legal_value(value)
        except (TypeError, OverflowError):  # an integer beyond all floats
            legal = False
        if not legal:
            return f"{name} cannot be {value!r} ({space[name]})"
    if missing := [name for name in space if name not in config and not space.parents_of[name]]:
        return f"{missing[0]} is missing"
    return None


def _number_of_values(hyperparameter: Any) -> float:
    """Number of values of a category, ordinal or constant; infinity for numbers."""
    if isinstance(hyperparameter, Constant):
        return 1
    if isinstance(hyperparameter, CategoricalHyperparameter):
        return len(hyperparameter.choices)
    if isinstance(hyperparameter, OrdinalHyperparameter):
        return len(hyperparameter.sequence)
    return float("inf")
