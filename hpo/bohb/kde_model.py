"""BOHB's model of one budget: a density of its good configurations and one of its bad ones.

Falkner et al. 2018, section 3.2. It works on vectors of any meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.hpo.bohb.kde import (
    ProductKernelDensity,
    expected_improvement_order,
    most_promising,
)
from oneshot_hpo.hpo.errors import InvalidSettings
from oneshot_hpo.hpo.settings import OptimizerSettings

Array = NDArray[np.float64]


@dataclass(frozen=True)
class KDEModel:
    """The densities of the good and of the bad observations."""

    good: ProductKernelDensity
    bad: ProductKernelDensity

    @classmethod
    def fit(
        cls,
        vectors: Array,
        losses: Array,
        levels: NDArray[np.int64],
        settings: OptimizerSettings,
        rng: np.random.Generator,
    ) -> Self:
        """Fit a model to (n, d) vectors with (n,) losses; ties go to the first.

        levels: (d,), as in ProductKernelDensity. NaN (inactive) is imputed with `rng`.
        """
        # With an unstable sort, the order of ties would depend on the processor.
        order = np.argsort(losses, kind="stable")
        return cls.fit_sorted(vectors[order], levels, settings, rng)

    @classmethod
    def fit_sorted(
        cls,
        vectors: Array,
        levels: NDArray[np.int64],
        settings: OptimizerSettings,
        rng: np.random.Generator,
    ) -> Self:
        """Fit a model to (n, d) vectors that are ordered by loss; the rest as in `fit`."""
        good, bad = split_sizes(len(vectors), len(levels), settings)
        best, rest = vectors[:good], vectors[good : good + bad]
        return cls(
            ProductKernelDensity(impute(best, levels, rng), levels, settings.min_bandwidth),
            ProductKernelDensity(impute(rest, levels, rng), levels, settings.min_bandwidth),
        )

    def candidates(
        self,
        settings: OptimizerSettings,
        rng: np.random.Generator,
        log_factor: Callable[[Array], Array] | None = None,
    ) -> Iterator[Array]:
        """The num_samples draws from the widened good density, (d,) each, most promising first.

        log_factor: the logarithm of a factor on the expected improvement, (m,) of (m, d) points.
        """
        drawn = self.good.draw(settings.num_samples, settings.bandwidth_factor, rng)
        good = self.good.density(drawn)
        factor = None if log_factor is None else log_factor(drawn)

        first = most_promising(drawn, good, self.bad, factor)
        yield drawn[first]
        # The others are seldom wanted: where the space forbids the first.
        order = expected_improvement_order(good, self.bad.density(drawn), factor)
        yield from drawn[order[order != first]]


def can_be_fitted(n: int, dimensions: int, settings: OptimizerSettings) -> bool:
    """Whether n observations have more good ones and more bad ones than dimensions."""
    return min(split_sizes(n, dimensions, settings)) > dimensions


def split_sizes(n: int, dimensions: int, settings: OptimizerSettings) -> tuple[int, int]:
    """Numbers of good and of bad observations among n."""
    least, top = least_points(dimensions, settings), settings.top_n_percent
    good = min(max(least, top * n // 100), n)
    bad = min(max(least, (100 - top) * n // 100), n - good)
    return good, bad


def least_points(dimensions: int, settings: OptimizerSettings) -> int:
    """Least number of good, and of bad, observations: dimensions + 1 unless the settings say more.

    Raises InvalidSettings.
    """
    points = settings.min_points_in_model
    if points is None:
        return dimensions + 1
    if points <= dimensions:
        raise InvalidSettings(
            f"min_points_in_model must be at least {dimensions + 1} in a space of {dimensions} "
            f"dimensions, not {points}"
        )
    return points


def impute(vectors: Array, levels: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """Fill every NaN (inactive hyperparameter) of (n, d) vectors.

    While a row has a NaN, all its NaNs are replaced by the values of a random row in which the
    first of them is active. If there is no such row, the first NaN gets a random legal value. Rows
    with the same first NaN are filled together.
    """
    if not np.isnan(vectors).any():
        return vectors
    filled = vectors.copy()
    while (missing := np.isnan(filled)).any():
        column = int(missing.any(axis=0).argmax())  # the first NaN of every row that has one here
        rows = np.flatnonzero(missing[:, column])
        donors = np.flatnonzero(np.isfinite(vectors[:, column]))
        if donors.size:
            values = vectors[rng.choice(donors, size=len(rows))]
            filled[rows] = np.where(missing[rows], values, filled[rows])
        elif levels[column] == 0:
            filled[rows, column] = rng.random(len(rows))
        else:
            filled[rows, column] = rng.integers(levels[column], size=len(rows))
    return filled
