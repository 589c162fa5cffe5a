"""What a comparison says, in plain sentences."""

from __future__ import annotations

import math

from experiments.compare.comparing import Pairing, Space
from experiments.compare.statistics import LEAST_SEEDS, MOST_SEEDS, POWER, Interval


def points(share: float) -> str:
    """A regret in percentage points."""
    return "crash" if math.isinf(share) else f"{100 * share:.2f}"


def interval(bounds: Interval | None) -> str:
    """The interval of a regret in percentage points; empty if there is none."""
    return "" if bounds is None else f"{points(bounds.low)} to {points(bounds.high)}"


def sentences(space: Space, pairing: Pairing) -> str:
    """Better, worse, or not shown; on what grounds; and what would decide it."""
    comparison = pairing.comparison
    first, second = space.name(pairing.first), space.name(pairing.second)
    if comparison.shown:
        word = f"{first} is {comparison.verdict} than {second}"
        if comparison.pairs is not None:
            word += f", with {comparison.pairs} seeds"
        return f"{word}. {_grounds(pairing, first, second)}"
    count = _seeds(pairing)
    return (
        f"Not shown with {count}: whether {first} is better or worse than {second}. "
        f"{_grounds(pairing, first, second)} {_more(pairing)}"
    )


def _seeds(pairing: Pairing) -> str:
    comparison = pairing.comparison
    if comparison.pairs is not None:
        return _count(comparison.pairs)
    return f"{comparison.sizes[0]} seeds against {comparison.sizes[1]}"


def _grounds(pairing: Pairing, first: str, second: str) -> str:
    """Ratio of regrets, in how many seeds, the test."""
    comparison = pairing.comparison
    least = min(comparison.sizes)
    if least < LEAST_SEEDS:
        return f"With fewer than {LEAST_SEEDS} seeds nothing can be shown, whatever they say."
    ratio, bounds = comparison.ratio, comparison.ratio_interval
    assert bounds is not None
    if not math.isfinite(ratio):
        words = "The ratio of median regrets is without bound, for the lower one is 0 or the "
        words += "higher one a crash"
    else:
        high = f"{bounds.high:.2f}" if math.isfinite(bounds.high) else "infinity"
        words = (
            f"The median regret of {second} is {ratio:.2f} times that of {first} (95 % interval "
            f"{bounds.low:.2f} to {high})"
        )
    if comparison.pairs is not None:
        equal = comparison.pairs - comparison.wins - comparison.losses
        words += f"; higher with {comparison.wins} seeds, lower with {comparison.losses}"
        words += f", equal with {equal}" if equal else ""
        test = "Wilcoxon's signed-rank test"
    else:
        test = "the test of Mann and Whitney, for no seed is the same"
    together = f", of {comparison.tests} tests together" if comparison.tests > 1 else ""
    return (
        f"{words}; rank-biserial correlation {comparison.effect:+.2f}, p "
        f"{_p(comparison.p_value)} ({test}{together})."
    )


def _p(value: float) -> str:
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def _more(pairing: Pairing) -> str:
    """How many more seeds would likely decide it, and what they cost."""
    comparison = pairing.comparison
    seeds = comparison.sizes[0]
    if seeds < LEAST_SEEDS:
        least = LEAST_SEEDS - seeds
        return f"{_count(least)} more are the least{_cost(pairing, least)}."
    basis = f"{100 * POWER:.0f} % power for a difference as it looks now, Noether's formula"
    if comparison.needed is None:
        return f"{MOST_SEEDS} seeds would not be likely to decide it ({basis})."
    more = max(1, comparison.needed - seeds)
    return f"About {_count(more)} more would likely decide it ({basis}){_cost(pairing, more)}."


def _cost(pairing: Pairing, more: int) -> str:
    costs = [s.seconds for s in (pairing.first, pairing.second) if s.seconds is not None]
    hours = more * sum(costs) / 3600
    words = f"{hours:.0f}" if hours >= 10 else f"{hours:.2g}"
    return f": {words} worker hours (GPU hours where workers have GPUs)" if costs else ""


def _count(seeds: int) -> str:
    return "1 seed" if seeds == 1 else f"{seeds} seeds"
