"""Densities around a configuration: what a user expects, or the neighbours of the best one."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.errors import InvalidSettings
from oneshot_hpo.hpo.user_prior import UserPrior

Array = NDArray[np.float64]


class PriorDensity:
    """A product of densities around a centre, over the d dimensions of an encoding.

    Truncated Gaussians for numbers; a category has its centre's value with the probability
    1 - width * (k - 1) / k, else one of the k - 1 others.
    """

    def __init__(self, centre: Array, widths: Array, levels: NDArray[np.int64]) -> None:
        """centre: (d,); widths: (d,) in (0, 1], or infinite for a uniform density; levels: (d,)."""
        self._centre = centre
        self._flat = np.isinf(widths)
        self._widths = np.where(self._flat, 1.0, widths)
        self._levels = levels

    @classmethod
    def of(cls, prior: UserPrior, encoding: Encoding) -> Self:
        """The density of a user's prior. Raises InvalidSettings if it does not fit the space."""
        space = encoding.space
        for name in [*prior.values, *prior.widths]:
            if name not in space:
                raise InvalidSettings(
                    f"the prior has an unknown hyperparameter {name} (there are: "
                    f"{', '.join(space)})"
                )
        for name, value in prior.values.items():
            if isinstance(value, list) or not space[name].legal_value(value):
                raise InvalidSettings(f"the prior: {name} cannot be {value!r} ({space[name]})")
        widths = [prior.widths.get(name, prior.width) for name in encoding.names]
        return cls(
            encoding.encode_each(prior.values),
            np.array([np.inf if width is None else width for width in widths]),
            encoding.levels,
        )

    def draw(self, rng: np.random.Generator) -> Array:
        """A (d,) point."""
        low, high = ndtr(-self._centre / self._widths), ndtr((1 - self._centre) / self._widths)
        uniform = rng.random(len(self._centre))
        quantile = low + uniform * (high - low)
        numbers = np.clip(self._centre + self._widths * ndtri(quantile), 0, 1)
        numbers = np.where(self._flat, uniform, numbers)

        k = np.maximum(self._levels, 1)
        anything = np.minimum(np.floor(rng.random(len(k)) * k), k - 1)
        # A draw from all values with the width's probability gives the others width / k each.
        is_anything = self._flat | (rng.random(len(k)) < self._widths)
        values = np.where(is_anything, anything, self._centre)
        point: Array = np.where(self._levels > 0, values, numbers)
        return point

    def log_density(self, points: Array) -> Array:
        """(m,) logarithms of the density at (m, d) points; NaN (inactive) counts for nothing."""
        width = self._widths
        mass = ndtr((1 - self._centre) / width) - ndtr(-self._centre / width)
        numbers = -0.5 * ((points - self._centre) / width) ** 2
        numbers -= np.log(np.sqrt(2 * np.pi) * width * mass)
        numbers = np.where(self._flat, 0.0, numbers)

        k = np.maximum(self._levels, 1)
        other = np.where(self._flat, 1.0, width) / k
        values = np.log(np.where(points == self._centre, 1 - (k - 1) * other, other))
        each = np.where(self._levels > 0, values, numbers)
        total: Array = np.where(np.isnan(points), 0.0, each).sum(axis=1)
        return total
