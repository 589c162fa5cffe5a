"""Writes what two one-sided tests and a sequential rule add to a comparison."""

from __future__ import annotations

from oneshot_hpo.experiments.compare.rank_tests import ALPHA
from oneshot_hpo.experiments.compare.shift import Equivalence
from oneshot_hpo.experiments.compare.statistics import Sequential
from oneshot_hpo.experiments.compare.units import p_text, shift_text, with_unit
from oneshot_hpo.experiments.sequential.rule import NAMES

_LEVEL = f"{100 * (1 - 2 * ALPHA):.0f} % interval"


def within_margin(found: Equivalence, measure: str) -> str:
    """How large the difference is, and what the one-sided tests say about the margin."""
    limit = with_unit(found.margin, measure)
    size = shift_text(found.shift, found.interval, measure, _LEVEL)
    return (
        f"The second minus the first is {size}; that the first is not worse by {limit} or more: p "
        f"{p_text(found.no_worse)}, not better by it: p {p_text(found.no_better)} (two one-sided "
        "tests)."
    )


def looks(found: Sequential, measure: str) -> str:
    """How far the sequential rule has come, and the results that are adjusted for that."""
    standing, rule = found.standing, found.standing.rule
    kind = f"spending of {NAMES[rule.spending]} type, level {100 * rule.alpha:.0f} %"
    if not standing.looks:
        return f"The first look is at {rule.looks[0]} seeds, of at most {rule.looks[-1]} ({kind})."
    taken = f"look {standing.looks} of {len(rule.looks)}, at {standing.seeds} seeds"
    if not standing.ended:
        return (
            f"Nothing is decided after {taken}; the next look is at {standing.next_seeds} ({kind})."
        )

    decided = "was decided" if standing.seeds < rule.looks[-1] else "ended"
    words = f"This {decided} by {taken} of at most {rule.looks[-1]} ({kind})."
    if found.effect is not None and found.effect_interval is not None:
        low, high = found.effect_interval.low, found.effect_interval.high
        words += (
            f" Adjusted for stopping early, the rank-biserial correlation is {found.effect:+.2f} "
            f"(95 % interval {low:+.2f} to {high:+.2f})."
        )
    size = shift_text(found.shift, found.shift_interval, measure, "repeated interval")
    return f"{words} The second minus the first is {size}; medians and the ratio are not adjusted."
