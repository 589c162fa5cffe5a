"""Boundaries of group-sequential tests that spend their level look by look.

At a look after the share t of all pairs (the information fraction), the standardised statistic is
Z(t), and sqrt(t) Z(t) is a Brownian motion with a drift: 0 without an effect. The test is two-sided
and symmetric: it stops at the first look with |Z| at or above the look's bound. A spending function
says how much of the level may be used up to t (Lan and DeMets 1983, Biometrika 70, 659); the bounds
follow by recursive numerical integration over the region in which the test goes on (Armitage,
McPherson and Rowe 1969; Jennison and Turnbull 2000, Group Sequential Methods, chapter 19).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]

_NODES = 128
"""Of Gauss and Legendre's rule; results are right to about ten digits."""
_REACH = 8.0
"""Standard deviations beyond which a normal density counts as 0."""
_NEGLIGIBLE = 1e-12
"""A look that may spend less has no bound; the next one spends it."""


def obrien_fleming(time: float, alpha: float) -> float:
    """The one-sided level that may be used up to `time`; little of it early.

    Its bounds are like those of O'Brien and Fleming (1979, Biometrics 35, 549).
    """
    return float(2 * ndtr(ndtri(alpha / 2) / math.sqrt(time)))


def pocock(time: float, alpha: float) -> float:
    """The one-sided level that may be used up to `time`; about the same at each look.

    Its bounds are like those of Pocock (1977, Biometrika 64, 191).
    """
    return alpha * math.log(1 + (math.e - 1) * time)


SPENDING: dict[str, Callable[[float, float], float]] = {
    "obrien-fleming": obrien_fleming,
    "pocock": pocock,
}


class Continuation:
    """The density of Z among tests that have not stopped, from look to look."""

    def __init__(self, drift: float = 0.0) -> None:
        self._drift = drift
        self._time = 0.0
        self._nodes: Array = np.zeros(1)
        self._masses: Array = np.ones(1)

    def above(self, time: float, bound: float) -> float:
        """The probability that the test has not stopped before `time`, and Z is above there."""
        means, deviation = self._step(time)
        return float(self._masses @ ndtr((means - bound) / deviation))

    def go_on(self, time: float, bound: float) -> None:
        """Take the look at `time`, at which tests with |Z| below the bound go on."""
        means, deviation = self._step(time)
        middle = self._drift * math.sqrt(time)
        low, high = max(-bound, middle - _REACH), min(bound, middle + _REACH)
        places, weights = _rule()
        half = max(0.0, high - low) / 2
        nodes = (low + high) / 2 + half * places

        distances = (nodes[:, None] - means) / deviation
        densities = np.exp(-(distances**2) / 2) / (deviation * math.sqrt(2 * math.pi))
        self._masses = half * weights * (densities @ self._masses)
        self._nodes, self._time = nodes, time

    def _step(self, time: float) -> tuple[Array, float]:
        """Means (nodes,) of Z at `time`, given Z at the last look, and the deviation."""
        step = time - self._time
        means = math.sqrt(self._time) * self._nodes + self._drift * step
        return means / math.sqrt(time), math.sqrt(step / time)


@functools.cache
def _rule() -> tuple[Array, Array]:
    """Nodes and weights (nodes,) in [-1, 1]."""
    places, weights = np.polynomial.legendre.leggauss(_NODES)
    return places, weights


def boundaries(times: Sequence[float], alpha: float, spending: str) -> list[float]:
    """The bound of |Z| at each look, for a two-sided level alpha of all looks together.

    times: information fractions in (0, 1], ascending. A bound is infinite where there is nothing to
    spend yet.
    """
    spend, walk, spent, found = SPENDING[spending], Continuation(), 0.0, []
    for time in times:
        rest = spend(time, alpha / 2) - spent
        bound = math.inf
        if rest > _NEGLIGIBLE:
            bound = float(brentq(lambda z, t=time, r=rest: walk.above(t, z) - r, 0, 10, xtol=1e-10))
            spent += rest
        walk.go_on(time, bound)
        found.append(bound)
    return found


def crossings(times: Sequence[float], bounds: Sequence[float], drift: float = 0.0) -> Array:
    """(2, K) the probability to stop at each of K looks, above and below."""
    found = []
    for sign in (1, -1):
        walk, row = Continuation(sign * drift), []
        for time, bound in zip(times, bounds, strict=True):
            row.append(walk.above(time, bound) if math.isfinite(bound) else 0.0)
            walk.go_on(time, bound)
        found.append(row)
    return np.array(found)
