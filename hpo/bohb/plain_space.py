"""Spaces in which every combination is allowed: configurations without ConfigSpace's objects.

ConfigSpace makes an object for each configuration, and converts its values one by one, which took
half of a proposal's time. Here all numbers of a configuration are converted at once. The results
are ConfigSpace's to the last bit, because a study's decisions depend on them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from ConfigSpace.functional import quantize_log
from ConfigSpace.hyperparameters import (
    CategoricalHyperparameter,
    Constant,
    Hyperparameter,
    OrdinalHyperparameter,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)
from numpy.typing import NDArray

from oneshot_hpo.hpo.plain import plain

Array = NDArray[np.float64]

_NUMBERS = (UniformFloatHyperparameter, UniformIntegerHyperparameter)
_LISTS = (CategoricalHyperparameter, OrdinalHyperparameter, Constant)
_DECIMALS = 13
"""Decimal places of a float in a configuration."""
_DRAWS = 5
"""Values that ConfigSpace draws for each hyperparameter, of which it uses the first."""


class PlainSpace:
    """A space of uniform numbers, categories, ordinals and constants, without any conditions.

    Vectors are ConfigSpace's, with an entry for each hyperparameter: a number in the unit interval,
    or the index of a value.
    """

    def __init__(self, hyperparameters: list[Hyperparameter]) -> None:
        """hyperparameters: all of the space, in its order."""
        self._hyperparameters = hyperparameters
        # ConfigSpace's generator; a new one takes longer than all draws from it.
        self._random = np.random.RandomState(0)
        self._names = [hp.name for hp in hyperparameters]
        self._values = {
            place: {index: plain(hp.to_value(index)) for index in _indices(hp)}
            for place, hp in enumerate(hyperparameters)
            if isinstance(hp, _LISTS)
        }
        self._indices = {
            place: {value: index for index, value in values.items()}
            for place, values in self._values.items()
        }

        numbers = [hp for hp in hyperparameters if isinstance(hp, _NUMBERS)]
        self._number_names = [hp.name for hp in numbers]
        self._places = np.array([self._names.index(hp.name) for hp in numbers], dtype=np.intp)
        self._log = np.array([hp.log for hp in numbers], dtype=bool)
        self._whole = np.array([isinstance(hp.lower, int) for hp in numbers], dtype=bool)
        self._low = np.array([hp.lower for hp in numbers], dtype=float)
        self._high = np.array([hp.upper for hp in numbers], dtype=float)

        start, end = self._low.copy(), self._high.copy()
        start[self._log], end[self._log] = np.log(start[self._log]), np.log(end[self._log])
        self._start, self._width = start, end - start

    @classmethod
    def of(cls, space: ConfigurationSpace) -> PlainSpace | None:
        """The space, or None if it has conditions, forbidden combinations, or other values."""
        hyperparameters = list(space.values())
        if space.conditions or space.forbidden_clauses:
            return None
        if not all(isinstance(hp, (*_NUMBERS, *_LISTS)) for hp in hyperparameters):
            return None
        try:
            return cls(hyperparameters)
        except TypeError:  # a list is among the values, which has no hash
            return None

    def vector(self, config: Mapping[str, Any]) -> Array | None:
        """The vector of a configuration; None if it is, or may be, outside the space."""
        numbers = [config.get(name) for name in self._number_names]
        if len(config) != len(self._names) or not all(type(x) in (float, int) for x in numbers):
            return None
        try:
            x = np.array(numbers, dtype=float)
            vector = np.empty(len(self._names))
            for place, indices in self._indices.items():
                vector[place] = indices[config[self._names[place]]]
        except (KeyError, TypeError, OverflowError):
            return None

        inside = (self._low <= x) & (x <= self._high) & (~self._whole | (x == np.rint(x)))
        if not inside.all():
            return None

        real, log = ~self._whole, self._log
        x[real] = np.round(x[real], _DECIMALS)
        x[log] = np.log(x[log])
        vector[self._places] = (x - self._start) / self._width
        return vector

    def configuration(self, vector: Array) -> dict[str, Any]:
        """The configuration of a vector, whose indices have to be whole numbers."""
        whole, log = self._whole, self._log
        x = vector[self._places] * self._width + self._start
        x[log] = np.exp(x[log])
        x = np.where(whole, np.round(x), np.round(np.clip(x, self._low, self._high), _DECIMALS))

        config = dict.fromkeys(self._names)
        for place, values in self._values.items():
            config[self._names[place]] = values[int(vector[place])]
        for name, value, is_whole in zip(self._number_names, x.tolist(), whole, strict=True):
            config[name] = int(value) if is_whole else value
        return config

    def sample(self, seed: int) -> dict[str, Any]:
        """The configuration that ConfigSpace draws with this seed."""
        self._random.seed(seed)
        drawn = [_drawn(hp, self._random)[0] for hp in self._hyperparameters]
        return self.configuration(np.array(drawn))


def _indices(hyperparameter: Hyperparameter) -> range:
    """The entries that a vector may have for a category, ordinal or constant."""
    first = int(hyperparameter.lower_vectorized)
    return range(first, first + int(hyperparameter.size))


def _drawn(hyperparameter: Hyperparameter, random: np.random.RandomState) -> Array:
    """(_DRAWS,) entries of a vector, as ConfigSpace draws them."""
    if isinstance(hyperparameter, UniformIntegerHyperparameter) and hyperparameter.log:
        # ConfigSpace draws the same numbers through scipy.stats, which takes ten times as long.
        ends = hyperparameter.lower, hyperparameter.upper
        x = random.uniform(size=_DRAWS)
        return quantize_log(x, bounds=(0, 1), scale_slice=ends, bins=int(hyperparameter.size))
    return hyperparameter.sample_vector(_DRAWS, seed=random)
