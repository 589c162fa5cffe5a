"""Writes a comparison in plain sentences."""

from __future__ import annotations

import math

import numpy as np

from oneshot_hpo.experiments.compare.comparing import Pairing, Space
from oneshot_hpo.experiments.compare.looks_wording import looks, within_margin
from oneshot_hpo.experiments.compare.power import COVERED, MOST_SEEDS, POWER, Seeds, least_seeds
from oneshot_hpo.experiments.compare.statistics import Comparison
from oneshot_hpo.experiments.compare.units import p_text, points, with_unit
from oneshot_hpo.experiments.numbers.sample import REGRET
from oneshot_hpo.experiments.objectives.section import LOSS
from oneshot_hpo.search_spaces import title_of


def heading(space: Space) -> str:
    """What the numbers of a space are, and of what: "test regret in space 1, table digits"."""
    first = space.samples[0]
    where = "" if space.id is None else f" in {title_of(space.id)}"
    return f"{first.measure}{where}" + ("" if first.table is None else f", table {first.table}")


def sentences(space: Space, pairing: Pairing) -> str:
    """The verdict, its evidence, and if nothing is shown, how many seeds would decide it."""
    comparison = pairing.comparison
    first, second = space.name(pairing.first), space.name(pairing.second)
    parts = [verdict(pairing, first, second), _grounds(pairing, first, second)]
    if comparison.equivalence is not None and comparison.can_be_shown:
        parts.append(within_margin(comparison.equivalence, pairing.first.measure))
    if comparison.sequential is not None:
        parts.append(looks(comparison.sequential, pairing.first.measure))
    elif comparison.verdict == "not shown":
        parts.append(more(pairing))
    return " ".join(parts)


def verdict(pairing: Pairing, first: str, second: str) -> str:
    """What is shown, in one sentence."""
    seeds = _seeds(pairing)
    if pairing.comparison.verdict == "not shown":
        return f"Not shown with {seeds}: whether {first} is better or worse than {second}."
    return claim(pairing, first, second).removesuffix(".") + f", with {seeds}."


def claim(pairing: Pairing, first: str, second: str) -> str:
    """What is shown, without the number of seeds."""
    comparison = pairing.comparison
    if comparison.verdict == "not shown":
        return f"It is not shown whether {first} is better or worse than {second}."
    if comparison.verdict in ("better", "worse"):
        small = comparison.equivalence is not None and comparison.equivalence.verdict == "same"
        limit = f", but by less than {margin(pairing)}" if small else ""
        return f"{first} is {comparison.verdict} than {second}{limit}."
    if comparison.verdict == "same":
        return f"{first} and {second} are the same within {margin(pairing)}."
    word = comparison.verdict.removeprefix("no ")
    return f"{first} is not {word} than {second} by {margin(pairing)} or more."


def margin(pairing: Pairing) -> str:
    """The margin of an equivalence in words: "0.20 points"."""
    within = pairing.comparison.equivalence
    assert within is not None  # its verdict is of a margin
    return with_unit(within.margin, pairing.first.measure)


def _seeds(pairing: Pairing) -> str:
    """How many seeds were compared, and out of how many if only common ones were."""
    comparison = pairing.comparison
    if comparison.pairs is None:
        return f"{_count(comparison.sizes[0])} against {comparison.sizes[1]}"
    sizes = [len(sample.values) for sample in (pairing.first, pairing.second)]
    words = _count(comparison.pairs)
    if max(sizes) > comparison.pairs:
        words += f" that both have (of {sizes[0]} and {sizes[1]})"
    return words


def _grounds(pairing: Pairing, first: str, second: str) -> str:
    """Ratio of medians, wins and losses, the test, and whether these disagree."""
    comparison = pairing.comparison
    if not comparison.can_be_shown:
        if comparison.sequential is not None:
            return "The rule allows no look yet."
        if comparison.pairs is None:
            return "Samples this small cannot show a difference."
        least = least_seeds(paired=True, other=None)
        return f"With fewer than {least} seeds no difference can be shown."
    words = _medians(pairing, first, second)
    if comparison.pairs is not None:
        equal = comparison.pairs - comparison.wins - comparison.losses
        words += f"; higher with {comparison.wins} seeds, lower with {comparison.losses}"
        words += f", equal with {equal}" if equal else ""
        test = "Wilcoxon's signed-rank test"
    else:
        test = "the test of Mann and Whitney, as no seed is the same"
    together = f", of {comparison.tests} tests together" if comparison.tests > 1 else ""
    together += ", adjusted for the looks" if comparison.sequential is not None else ""
    return (
        f"{words}; rank-biserial correlation {comparison.effect:+.2f}, p "
        f"{p_text(comparison.p_value)} ({test}{together}).{_disagreement(comparison)}"
    )


def _medians(pairing: Pairing, first: str, second: str) -> str:
    measure = pairing.first.measure
    short = measure.removeprefix("test ") if measure == REGRET else measure
    if measure == LOSS:  # it may be negative, so that a ratio means nothing
        low, high = (
            points(float(np.median(one.values)), LOSS) for one in (pairing.first, pairing.second)
        )
        return f"The median loss of {second} is {high}, that of {first} {low}"
    ratio, bounds = pairing.comparison.ratio, pairing.comparison.ratio_interval
    if not math.isfinite(ratio):
        words = f"The ratio of median {short}s is infinite, as the lower one is 0 or the "
        return f"{words}higher one a crash"
    words = f"The median {short} of {second} is {ratio:.2f} times that of {first}"
    if bounds is None:
        return words
    high = f"{bounds.high:.2f}" if math.isfinite(bounds.high) else "infinity"
    return f"{words} (95 % interval {bounds.low:.2f} to {high})"


def _disagreement(comparison: Comparison) -> str:
    """A sentence if the medians point to another verdict than the rank test."""
    bounds = comparison.ratio_interval
    apart = bounds is not None and not bounds.low <= 1 <= bounds.high
    if comparison.shown and (comparison.ratio - 1) * comparison.effect <= 0:
        words = "The medians point the other way"
    elif comparison.shown and not apart:
        words = "The medians alone do not show it"
    elif not comparison.shown and apart:
        words = "The medians alone seem to show a difference"
    else:
        return ""
    ranks = "ranks of differences" if comparison.pairs is not None else "ranks"
    return f" {words}: the verdict is that of the test, which uses {ranks}."


def more(pairing: Pairing) -> str:
    """How many more seeds would likely decide it, their cost, and a warning."""
    comparison = pairing.comparison
    paired, (seeds, others) = comparison.pairs is not None, comparison.sizes
    if not comparison.can_be_shown:
        other = None if pairing.second.seconds is not None else others
        least = least_seeds(paired=paired, other=other, tests=comparison.tests) - seeds
        return f"At least {_count(least)} more are needed{_cost(pairing, Seeds(least, least))}."
    basis = f"{100 * POWER:.0f} % power for the observed difference, Noether's formula"
    if comparison.needed is None:
        return f"Even {MOST_SEEDS} seeds would not be likely to decide it ({basis})."
    more = _less(comparison.needed, seeds)
    numbers = f"{more.least} to {more.most} seeds" if more.most else f"{_count(more.least)} or many"
    return (
        f"{numbers} more would likely decide it ({basis}; the range is right in "
        f"{100 * COVERED:.0f} % of cases){_cost(pairing, more)}. Choose a number now "
        "and compare again only then: adding seeds until a difference appears produces false "
        "positives."
    )


def _less(needed: Seeds, seeds: int) -> Seeds:
    most = None if needed.most is None else max(1, needed.most - seeds)
    return Seeds(max(1, needed.least - seeds), most)


def _cost(pairing: Pairing, more: Seeds) -> str:
    costs = [s.seconds for s in (pairing.first, pairing.second) if s.seconds is not None]
    if not costs:
        return ""
    words = _hours(more.least * sum(costs))
    if more.most != more.least:
        words += f" to {_hours(more.most * sum(costs))}" if more.most else " or more"
    return f": {words} worker hours (GPU hours where workers have GPUs)"


def _hours(seconds: float) -> str:
    hours = seconds / 3600
    return f"{hours:.0f}" if hours >= 10 else f"{hours:.2g}"


def _count(seeds: int) -> str:
    return "1 seed" if seeds == 1 else f"{seeds} seeds"
