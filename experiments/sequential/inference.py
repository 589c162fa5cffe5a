"""P value, estimate and interval of a group-sequential test that has stopped.

Results are ordered by the look at which the test stopped, then by Z: a test that stopped early
above is more extreme than any that stopped later (Fairbanks and Madsen 1982, Biometrika 69, 69;
Tsiatis, Rosner and Mehta 1984, Biometrics 40, 797; Jennison and Turnbull 2000, chapter 8). Under
this order the p value is below the level exactly where a bound was crossed. While the test goes on,
its p value is the smallest level at which it would have stopped by now (the repeated p value,
chapter 9).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scipy.optimize import brentq
from scipy.special import ndtri

from oneshot_hpo.experiments.sequential.boundaries import Continuation, boundaries

_FARTHEST = 50.0
"""Drifts are looked for up to here: Z itself is below 10."""


def two_sided_z(p_value: float) -> float:
    """The |Z| of a two-sided p value."""
    return float(-ndtri(p_value / 2))


def tail(times: Sequence[float], bounds: Sequence[float], z: float, drift: float = 0.0) -> float:
    """The probability of a result at or above Z = z at the last of these looks.

    bounds: those of the looks before the last one, or of all.
    """
    walk, total = Continuation(drift), 0.0
    for time, bound in zip(times[:-1], bounds, strict=False):
        if math.isfinite(bound):
            total += walk.above(time, bound)
        walk.go_on(time, bound)
    return total + walk.above(times[-1], z)


def stopped_p_value(times: Sequence[float], bounds: Sequence[float], z: float) -> float:
    """The two-sided p value of a test that stopped with Z = z at the last of these looks."""
    return min(1.0, 2 * tail(times, bounds, abs(z)))


def repeated_p_value(
    times: Sequence[float], spending: str, z: float, *, look: int, sides: int = 2
) -> float:
    """The smallest level at which the bound of look number `look`, from 0, is at or below |z|.

    times: all looks. sides: 1 for a one-sided level, half of the two-sided one. It holds at every
    look, whether or not the test stops there.
    """

    def above(alpha: float) -> float:
        bound = boundaries(times[: look + 1], alpha, spending)[-1]
        return min(bound, _FARTHEST) - abs(z)

    most, least = 1 - 1e-9, 1e-10
    if above(most) > 0:
        return 1.0 if sides == 2 else 0.5
    if above(least) <= 0:
        return least * sides / 2
    return float(brentq(above, least, most, xtol=1e-9)) * sides / 2


def drift_at(
    times: Sequence[float], bounds: Sequence[float], z: float, probability: float
) -> float:
    """The drift at which a result at or above this one has the given probability.

    With 1/2 it is the median unbiased estimate; with alpha / 2 and 1 - alpha / 2, the interval's
    ends.
    """

    def excess(drift: float) -> float:
        return tail(times, bounds, z, drift) - probability

    return float(brentq(excess, -_FARTHEST, _FARTHEST, xtol=1e-8))
