"""Numbers of a comparison in words: points, intervals, p values."""

from __future__ import annotations

import math

from oneshot_hpo.experiments.compare.shift import Interval
from oneshot_hpo.experiments.numbers.sample import REGRET
from oneshot_hpo.experiments.objectives.section import LOSS


def points(value: float, measure: str = REGRET) -> str:
    """A value without its unit: percentage points, or a loss as it is; or "crash"."""
    if math.isinf(value):
        return "crash"
    return f"{value:.4g}" if measure == LOSS else f"{100 * value:.2f}"


def unit(measure: str) -> str:
    """The unit of `points`, in words; empty for a loss."""
    return {REGRET: "percentage points", LOSS: ""}.get(measure, "percent")


def interval(bounds: Interval | None, measure: str = REGRET) -> str:
    """An interval like `points`; empty if there is none."""
    if bounds is None:
        return ""
    return f"{points(bounds.low, measure)} to {points(bounds.high, measure)}"


def with_unit(value: float, measure: str) -> str:
    """A difference with its unit: "0.20 points"."""
    return points(value, measure) + ("" if measure == LOSS else " points")


def shift_text(value: float, bounds: Interval | None, measure: str, what: str) -> str:
    """A shift with its interval: "0.05 points (90 % interval -0.10 to 0.20)"; what: its kind."""
    size = "a crash" if math.isinf(value) else with_unit(value, measure)
    if bounds is None:
        return size
    low, high = (
        f"{'-' * (end < 0)}infinity" if math.isinf(end) else points(end, measure)
        for end in (bounds.low, bounds.high)
    )
    return f"{size} ({what} {low} to {high})"


def p_text(value: float) -> str:
    """A p value after "p": "= 0.016", or "< 0.001"."""
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"
