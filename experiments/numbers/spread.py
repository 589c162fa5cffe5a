"""Median and quartiles of repetitions, at common values of x."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_MOST_POINTS = 300  # more than a printed line can show


@dataclass(frozen=True, eq=False)
class Spread:
    """Median and quartiles over n repetitions at P points; infinite where they are crashes."""

    x: Array
    """(P,) points on the axis, ascending."""
    median: Array
    """(P,)"""
    low: Array
    """(P,) first quartile."""
    high: Array
    """(P,) third quartile."""
    count: int
    """n; with 1 the quartiles are the value itself."""

    def label(self, name: str, crashed: int) -> str:
        """For legends: the name, the number of repetitions, and how many crashed."""
        words = f"n = {self.count}"
        if crashed:
            words += f", {crashed} crashed"
        return f"{name} ({words})"


@dataclass(frozen=True, eq=False)
class Steps:
    """One repetition: `y[i]` holds from `x[i]` until `x[i + 1]`."""

    x: Array
    """(K,) ascending."""
    y: Array
    """(K,)"""


def spread(x: Array, values: Array) -> Spread:
    """The spread of values (n, P) at points (P,); an infinite value is a crash, the worst of all.

    Quartiles are interpolated linearly between order statistics; between a number and a crash the
    result is a crash.
    """
    ordered = np.sort(values, axis=0)
    low, median, high = (_quantile(ordered, share) for share in (0.25, 0.5, 0.75))
    return Spread(np.asarray(x, float), median, low, high, len(values))


def spread_of_known(x: Array, values: Array) -> Spread:
    """The spread at the points where every repetition has a value, and none is NaN."""
    known = ~np.isnan(values).any(axis=0)
    return spread(x[known], values[:, known])


def spread_of_steps(runs: Sequence[Steps], *, hold: bool = False) -> Spread | None:
    """The spread of step functions, from the last start to the first end.

    With `hold` a function keeps its last value until the last one ends. Up to 300 steps are all
    kept; of more, about 300 that are evenly spaced on a logarithmic axis. None: the functions have
    no point in common.
    """
    start = max(run.x[0] for run in runs)
    last = [float(run.x[-1]) for run in runs]
    end = max(last) if hold else min(last)
    if start > end:
        return None
    places = np.unique(np.concatenate([run.x for run in runs]))
    places = places[(places >= start) & (places <= end)]
    if len(places) > _MOST_POINTS:
        wanted = np.geomspace(places[places > 0][0], places[-1], _MOST_POINTS)
        chosen = np.unique(np.searchsorted(places, wanted).clip(0, len(places) - 1))
        places = places[chosen]
    values = [run.y[np.searchsorted(run.x, places, side="right") - 1] for run in runs]
    return spread(places, np.array(values))


def _quantile(ordered: Array, share: float) -> Array:
    """A quantile of each column of sorted (n, P); numpy's own turns infinities into NaN."""
    place = share * (len(ordered) - 1)
    below, above = ordered[math.floor(place)], ordered[math.ceil(place)]
    finite = np.isfinite(above)
    step = np.subtract(above, below, where=finite, out=np.zeros_like(above))
    weight = place - math.floor(place)
    mixed: Array = np.where(finite, below + weight * step, above if weight else below)
    return mixed
