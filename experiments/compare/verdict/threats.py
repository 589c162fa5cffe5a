"""Threats to the validity of a comparison that the journals and the table show.

Every kind is an entry of CHECKS: what is looked for, and a function that writes a sentence for each
thing found. It raises NotEnoughData where it cannot be seen.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from oneshot_hpo.experiments.compare.sources import Study
from oneshot_hpo.experiments.compare.units import points
from oneshot_hpo.experiments.compare.verdict.case import Case
from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.budgets import budget_ranks
from oneshot_hpo.experiments.numbers.sample import REGRET
from oneshot_hpo.experiments.numbers.spending import spending
from oneshot_hpo.experiments.objectives.section import LOSS
from oneshot_hpo.experiments.study.outcome import IMPUTED, Outcome, loss_words
from oneshot_hpo.search_spaces import get_space, load_table

AGREEING = 0.5
"""Rank correlation with the largest budget below which a rung counts as disagreeing."""


@dataclass(frozen=True)
class Threat:
    """A threat that was found."""

    kind: str
    words: str


@dataclass(frozen=True)
class Threats:
    """What was looked for."""

    found: list[Threat] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    """Kinds of which nothing was found."""
    unknown: dict[str, str] = field(default_factory=dict)
    """Kinds that cannot be seen here, with the reason."""


def threats(case: Case) -> Threats:
    """Look for every kind of threat."""
    looked = Threats()
    for kind, look in CHECKS:
        try:
            found = [Threat(kind, words) for words in look(case)]
        except NotEnoughData as reason:
            looked.unknown[kind] = str(reason)
            continue
        looked.found.extend(found)
        if not found:
            looked.absent.append(kind)
    return looked


def _few_seeds(case: Case) -> Iterator[str]:
    if case.comparison.can_be_shown:
        return
    rule = case.comparison.sequential
    if rule is not None:
        yield f"The rule allows no look before {rule.standing.rule.looks[0]} pairs."
    else:
        sizes = case.comparison.sizes
        words = f"{sizes[0]} and {sizes[1]} searches"
        if case.comparison.pairs is not None:
            words = "1 pair" if sizes[0] == 1 else f"{sizes[0]} pairs"
        yield f"With {words}, no difference can be shown, however large it is."


def _one_seed(case: Case) -> Iterator[str]:
    for sample, name in zip(case.samples, case.names, strict=True):
        study, confirmation = case.study_of(sample), case.confirmation_of(sample)
        if study is None or confirmation is None or sample.origin[1] != confirmation.tuned:
            continue
        view = study.opened.view
        if view.incumbent is None or not view.settings.iterations:
            continue
        if view.settings.incumbent != "validation" and view.replicates:
            continue  # chosen by several searches of a configuration
        trial, result = view.incumbent
        if trial.config != confirmation.settings[sample.origin[1]].config:
            continue  # the study has found a better one since
        rivals = sum(
            one.budget == trial.budget and not rival.crashed for one, rival in view.evaluations
        )
        words = (
            f"{name} was chosen by one search of each configuration: with seed {trial.seed} it had "
            f"{loss_words(result)}, the least of {rivals} at {trial.budget:g} epochs."
        )
        regret = Outcome.from_result(result).regret
        median = case.medians[case.samples.index(sample)]
        if sample.measure == REGRET and regret is not None and math.isfinite(median):
            words += (
                f" Its test regret was {points(regret)} points then, and its median with fresh "
                f"seeds is {points(median)}."
            )
        yield words


def _one_study(case: Case) -> Iterator[str]:
    """A configuration is what one run of the optimizer found."""
    for sample, name in zip(case.samples, case.names, strict=True):
        study, confirmation = case.study_of(sample), case.confirmation_of(sample)
        if study is None or confirmation is None or sample.origin[1] != confirmation.tuned:
            continue
        if not study.spec.iterations:
            continue
        own = _without_seed(sample.settings)
        alike = {
            other.settings.get("study seed")
            for other in case.space.samples
            if other.method == sample.method and _without_seed(other.settings) == own
        }
        if len(alike) == 1:
            yield (
                f"{name} is the result of one study, with seed {study.spec.seed}: the verdict is "
                "about this configuration, and other studies may find others."
            )


def _without_seed(settings: object) -> dict[str, object]:
    assert isinstance(settings, dict)
    return {key: value for key, value in settings.items() if key != "study seed"}


def _rungs(case: Case) -> Iterator[str]:
    found: list[str] = []
    reasons: list[NotEnoughData] = []
    for study in case.involved:
        if not study.spec.iterations:
            continue
        try:
            found += _disagreeing(study)
        except NotEnoughData as reason:
            reasons.append(reason)
    if reasons and not found:
        raise reasons[0]
    yield from found


def _disagreeing(study: Study) -> Iterator[str]:
    ranks = budget_ranks(study.opened)
    largest = ranks.budgets[-1]
    for budget, row in zip(ranks.budgets[:-1], ranks.correlations[:-1], strict=True):
        one = row[-1]
        if not math.isnan(one.rho) and one.rho < AGREEING:
            yield (
                f"{study.source}: ranks of configurations at {budget:g} and at {largest:g} epochs "
                f"correlate by {one.rho:+.2f} (95 % interval {one.low:+.2f} to {one.high:+.2f}, "
                f"n = {one.n})."
            )


def _imputed(case: Case) -> Iterator[str]:
    for sample, name in zip(case.samples, case.names, strict=True):
        outcomes = [Outcome.from_result(result) for _, result in case.runs_of(sample)]
        count = sum(outcome.imputed for outcome in outcomes)
        if count:
            yield f"{name}: the errors of {count} of {len(outcomes)} searches are {IMPUTED}."


def _noise(case: Case) -> Iterator[str]:
    """The difference of medians beside the deviation between trainings of one cell."""
    study = next(iter(case.involved), None)
    if study is None or study.spec.table is None or study.spec.space is None:
        raise NotEnoughData("no table says how much its errors vary")
    table = load_table(study.spec.table)
    noise = table.noise_of(get_space(study.spec.space), "test")
    if noise is None:
        yield (
            f"The table {table.name} has one training of each cell, so that the noise of its "
            "errors is unknown."
        )
        return
    first, second = case.medians
    is_error = case.samples[0].measure != LOSS and math.isfinite(first) and math.isfinite(second)
    if is_error and abs(first - second) < noise:
        yield (
            f"The medians differ by {points(abs(first - second))} points, less than two trainings "
            f"of one good cell of the table {table.name} (standard deviation {points(noise)})."
        )


def _undecided(case: Case) -> Iterator[str]:
    for sample, name in zip(case.samples, case.names, strict=True):
        runs = [Outcome.from_result(r) for _, r in case.runs_of(sample) if not r.crashed]
        count = sum(outcome.undecided for outcome in runs)
        if count:
            yield (
                f"{name}: {count} of {len(runs)} searches ended undecided, their choices within "
                "noise of uniform."
            )


def _crashes(case: Case) -> Iterator[str]:
    for sample, name in zip(case.samples, case.names, strict=True):
        if sample.crashed:
            yield (
                f"{name}: {sample.crashed} of {len(sample.values)} searches crashed; a crash "
                "counts as the worst result."
            )
    for study in case.involved:
        spent = spending(study.opened.view.evaluations)
        if spent.crashed:
            yield (
                f"{study.source}: {spent.crashed} of {spent.searches} evaluations of the study "
                "crashed; these configurations count as bad."
            )


def _other_data(case: Case) -> Iterator[str]:
    for study in case.involved:
        for words in (study.opened.transfer, study.opened.on_test):
            if words is not None:
                yield f"{study.source}: {words}"


def _unfinished(case: Case) -> Iterator[str]:
    for study in case.involved:
        view, confirmation = study.opened.view, study.opened.confirmation
        if not view.finished:
            done, planned = len(view.evaluations), view.total_evaluations
            yield f"{study.source}: {done} of {planned} evaluations of the study have finished."
        if confirmation is not None and not confirmation.finished:
            done, planned = len(confirmation.evaluations), confirmation.total_evaluations
            yield f"{study.source}: {done} of {planned} runs of its confirmation have finished."


def _medians(case: Case) -> Iterator[str]:
    found = case.comparison
    if found.shown and (found.ratio - 1) * found.effect <= 0:
        yield "The medians point the other way than the test, which is of ranks."


def _unequal(case: Case) -> Iterator[str]:
    (first, second), (one, two) = case.samples, case.names
    if None not in (first.budget, second.budget) and first.budget != second.budget:
        yield (
            f"Searches are not equally long: {first.budget:g} epochs for {one}, {second.budget:g} "
            f"for {two}."
        )
    if case.comparison.pairs is None and None not in (first.seeds, second.seeds):
        yield "The samples have no seed in common, so that chance of the seeds is not shared."


def _environment(case: Case) -> Iterator[str]:
    for study in case.involved:
        was = dict(study.opened.view.header.get("specification", {}).get("versions", {}))
        changes = {}
        for note in study.opened.environments:
            for name, version in note.get("versions", {}).items():
                if was.get(name, version) != version:
                    changes[name] = f"{name} {was[name]} → {version}"
        if changes:
            yield (f"{study.source}: versions changed while it ran: {', '.join(changes.values())}.")


CHECKS: tuple[tuple[str, Callable[[Case], Iterator[str]]], ...] = (
    ("too few seeds", _few_seeds),
    ("an incumbent chosen by one seed", _one_seed),
    ("a single study", _one_study),
    ("rungs that disagree", _rungs),
    ("imputed values of the table", _imputed),
    ("a difference within the noise of the table", _noise),
    ("undecided searches", _undecided),
    ("crashes", _crashes),
    ("a table of other data, or selection on test", _other_data),
    ("unfinished work", _unfinished),
    ("medians that disagree with ranks", _medians),
    ("searches that are not alike", _unequal),
    ("versions that changed", _environment),
)
