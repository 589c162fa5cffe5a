"""What a sequential rule adds to the comparison of its pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.compare.shift import (
    Interval,
    bounded,
    interval,
    or_infinite,
    shift,
)
from oneshot_hpo.experiments.sequential.rule import Standing

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sequential:
    """What a sequential rule adds to the comparison of its pairs."""

    standing: Standing
    effect: float | None
    """The rank-biserial correlation, adjusted for stopping early; None until the rule has ended."""
    effect_interval: Interval | None
    """Its interval, likewise."""
    shift: float
    """How much lower the first is, in the unit of the values, not adjusted."""
    shift_interval: Interval | None
    """A repeated interval of the shift: it holds at every look together with all others."""


def at_look(
    x: Array, y: Array, alone: float, correlation: float, standing: Standing, farthest: float
) -> Sequential:
    """What the rule adds to pairs of finite values, (n,) each.

    alone: the p value of these pairs. correlation: their rank-biserial correlation. farthest: the
    largest difference of two values that did not crash.
    """
    effect, bounds = None, None
    if standing.ended:
        effect, low, high = standing.effect(alone, correlation)
        bounds = Interval(low, high)
    return Sequential(
        standing,
        effect,
        bounds,
        or_infinite(shift(x, y, paired=True), farthest),
        bounded(interval(x, y, standing.level, paired=True), farthest),
    )
