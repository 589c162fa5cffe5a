"""The claim of a comparison and its evidence, a row each.

Every row is an entry of FACTS: a label, and a function that writes the row or leaves it out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.experiments.compare.comparing import SEED
from oneshot_hpo.experiments.compare.looks_wording import looks, within_margin
from oneshot_hpo.experiments.compare.rank_tests import ALPHA
from oneshot_hpo.experiments.compare.statistics import LEAST_SEEDS, median_interval
from oneshot_hpo.experiments.compare.units import interval, points, unit
from oneshot_hpo.experiments.compare.verdict.case import Case
from oneshot_hpo.experiments.compare.wording import heading, more
from oneshot_hpo.experiments.numbers.sample import Sample
from oneshot_hpo.experiments.numbers.spending import spending
from oneshot_hpo.experiments.objectives.section import LOSS
from oneshot_hpo.experiments.wording import configuration


@dataclass(frozen=True)
class Fact:
    """A row of a verdict."""

    label: str
    words: str


def facts(case: Case) -> list[Fact]:
    """The evidence, a row each."""
    return [Fact(label, words) for label, write in FACTS for words in write(case)]


def _measure(case: Case) -> Iterator[str]:
    words = unit(case.samples[0].measure)
    yield heading(case.space) + (f", in {words}" if words else "")


def _settings(case: Case) -> Iterator[str]:
    for sample, name in zip(case.samples, case.names, strict=True):
        confirmation = case.confirmation_of(sample)
        if confirmation is not None:
            setting = confirmation.settings[sample.origin[1]]
            epochs = "1 epoch" if confirmation.budget == 1 else f"{confirmation.budget:g} epochs"
            yield f"{name}: {configuration(setting.config)}; {epochs}"


def _seeds(case: Case) -> Iterator[str]:
    comparison, sizes = case.comparison, [len(sample.values) for sample in case.samples]
    if comparison.pairs is None:
        yield f"{sizes[0]} and {sizes[1]}, none of them in common: the samples are independent"
        return
    words = "1 pair" if comparison.pairs == 1 else f"{comparison.pairs} pairs"
    words += " of searches with the same fresh seed"
    if max(sizes) > comparison.pairs:
        words += f"; the samples have {sizes[0]} and {sizes[1]} searches"
    yield words


def _test(case: Case) -> Iterator[str]:
    comparison = case.comparison
    name = "Mann and Whitney's test" if comparison.pairs is None else "Wilcoxon's signed-rank test"
    words = f"{name}, two-sided, level {100 * ALPHA:g} %"
    if not comparison.can_be_shown:
        if comparison.sequential is not None:
            yield f"none: the rule allows no look yet ({words})"
        else:
            yield f"none: so few seeds cannot show a difference by {words}"
        return
    p_value = comparison.p_value
    words += ": p < 0.001" if p_value < 0.001 else f": p = {p_value:.3f}"
    if comparison.sequential is not None:
        words += ", adjusted for the looks"
    if comparison.tests > 1:
        words += f", corrected for {comparison.tests} tests made together (Holm)"
    yield words


def _ranks(case: Case) -> Iterator[str]:
    found, first = case.comparison, case.names[0]
    pairs = len(case.samples[0].values) * len(case.samples[1].values)
    total = pairs if found.pairs is None else found.pairs
    what = "of all pairs of searches" if found.pairs is None else "of the pairs"
    equal = total - found.wins - found.losses
    words = f"{first} is better in {found.wins} {what}, worse in {found.losses}"
    words += f", equal in {equal}" if equal else ""
    yield f"rank-biserial correlation {found.effect:+.2f}: {words}"


def _medians(case: Case) -> Iterator[str]:
    for sample, name in zip(case.samples, case.names, strict=True):
        yield f"{name}: {_median(sample)}"


def _median(sample: Sample) -> str:
    if sample.crashed == len(sample.values):
        return "every search crashed"
    words = points(float(np.median(sample.values)), sample.measure)
    bounds = median_interval(sample.values, np.random.default_rng(SEED))
    if bounds is None:
        return f"{words} (no interval with fewer than {LEAST_SEEDS} searches)"
    return f"{words} (95 % interval {interval(bounds, sample.measure)})"


def _ratio(case: Case) -> Iterator[str]:
    ratio, bounds = case.comparison.ratio, case.comparison.ratio_interval
    no_ratio = case.samples[0].measure == LOSS  # a loss may be negative
    if no_ratio or not math.isfinite(ratio) or any(map(math.isinf, case.medians)):
        return
    first, second = case.names
    words = f"the median of {second} is {ratio:.2f} times that of {first}"
    if bounds is not None:
        high = f"{bounds.high:.2f}" if math.isfinite(bounds.high) else "infinity"
        words += f" (95 % interval {bounds.low:.2f} to {high})"
    yield words


def _margin(case: Case) -> Iterator[str]:
    within = case.comparison.equivalence
    if within is not None and case.comparison.can_be_shown:
        yield within_margin(within, case.samples[0].measure)


def _looks(case: Case) -> Iterator[str]:
    if case.comparison.sequential is not None:
        yield looks(case.comparison.sequential, case.samples[0].measure)


def _missing(case: Case) -> Iterator[str]:
    if case.comparison.verdict == "not shown" and case.comparison.sequential is None:
        yield more(case.pairing)


def _tuning(case: Case) -> Iterator[str]:
    for study in case.involved:
        spent = spending(study.opened.view.evaluations)
        one = "1 evaluation" if spent.searches == 1 else f"{spent.searches} evaluations"
        crashed = f", {spent.crashed} of them crashed" if spent.crashed else ""
        yield f"{study.source}: {one}{crashed}, {spent.hours}"
        if study.opened.view.replicates:
            again = spending(study.opened.view.replicates)
            yield f"{study.source}: {again.searches} replicates beside them, {again.hours}"


def _confirming(case: Case) -> Iterator[str]:
    for sample, name in zip(case.samples, case.names, strict=True):
        runs = case.all_runs_of(sample)
        if runs:
            spent = spending(runs)
            one = "1 search" if spent.searches == 1 else f"{spent.searches} searches"
            yield f"{name}: {one}, {spent.hours}"


FACTS: tuple[tuple[str, Callable[[Case], Iterator[str]]], ...] = (
    ("compared", _measure),
    ("settings", _settings),
    ("seeds", _seeds),
    ("test", _test),
    ("effect by ranks", _ranks),
    ("median", _medians),
    ("ratio of medians", _ratio),
    ("within the margin", _margin),
    ("looking early", _looks),
    ("what would decide it", _missing),
    ("cost of tuning", _tuning),
    ("cost of confirming", _confirming),
)
