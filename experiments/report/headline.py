"""The headline of a study's page: its result in a few sentences and numbers."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

from oneshot_hpo.experiments.numbers.pace import seconds_left
from oneshot_hpo.experiments.pages.table import Cell, Column, Row, Table
from oneshot_hpo.experiments.pages.values import NOTHING, count, epochs, setting, share
from oneshot_hpo.experiments.report.naming import title
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.experiments.study.outcome import Outcome, loss_text, loss_words
from oneshot_hpo.experiments.study.summary import (
    EXPECTED,
    comparing_words,
    ended_words,
    lines_of,
    spent_words,
    verdict,
)
from oneshot_hpo.experiments.wording import duration
from oneshot_hpo.hpo import Trial, TrialResult

_SHOWN_FIRST = ("test regret", "test error", "validation error")
_BESIDE = ("validation error", "loss")
"""What a card shows, the first that there is, and what it adds."""

_SHARES = {
    "validation error, %": "valid",
    "test error, %": "test",
    "test regret, points": "regret",
}


@dataclass(frozen=True)
class Card:
    """A number at the top of a page."""

    label: str
    value: str
    detail: str = ""


@dataclass(frozen=True)
class Headline:
    """The sentences and numbers at the top of a page."""

    sentences: list[str]
    cards: list[Card]


def read(study: OpenedStudy) -> Headline:
    """The headline of a study so far; errors and regrets are of single searches."""
    view = study.view
    default_is_best = view.incumbent is not None and study.tuned is None
    best = "tuned" if view.finished else "best so far"
    if not view.settings.iterations:
        best = "this search"
    elif default_is_best:
        best = "default, still the best"
    shrunken = study.shrunken
    cards = [] if view.incumbent is None else [_card(best, view.incumbent)]
    if cards and shrunken is not None:
        expected = f"{shrunken.text(shrunken.posterior)} {EXPECTED}"
        cards[0] = dataclasses.replace(cards[0], detail=f"{cards[0].detail}, {expected}")
    if view.baseline is not None and not default_is_best:
        cards.append(_card("default", view.baseline))
    sentences = [*_sentences(study), ended_words(view)]
    sentences += [] if shrunken is None else [shrunken.words]
    sentences += [*study.caveats, *spent_words(view)]
    if study.undecided is not None:
        sentences.append(study.undecided)
    sentences.append(comparing_words(view))
    if view.evaluations and not view.finished:
        sentences.insert(0, "The study has not finished; this is its current state.")
    return Headline([sentence for sentence in sentences if sentence], cards)


def progress(study: OpenedStudy) -> str:
    """How many evaluations have finished, and how long the rest may take."""
    view = study.view
    words = f"{len(view.evaluations)} of {view.total_evaluations} evaluations"
    crashed = sum(result.crashed for _, result in view.evaluations)
    words += f", {crashed} crashed" if crashed else ""
    if view.stop_reached is not None:
        words += f", stopped by the rule {view.stop_reached.rule}"
    if study.state == "running":
        words += f", {len(view.pending)} running"
        left = seconds_left(view, study.spec.workers or 1)
        words += f", about {duration(left)} left" if left else ""
    return words


def settings_table(study: OpenedStudy) -> Table | None:
    """The incumbent beside the default; None if either is missing."""
    view = study.view
    if view.incumbent is None or view.baseline is None:
        return None
    columns = {"default": view.baseline, "tuned": view.incumbent}
    if study.tuned is None:
        del columns["tuned"]

    rows = [
        _row("epochs", [count(trial.budget) for trial, _ in columns.values()]),
        *_known(columns),
        *(
            _row(name, [setting(trial.config, name) for trial, _ in columns.values()])
            for name in view.space
        ),
    ]

    return Table(
        name="settings",
        caption="The best configuration beside the default",
        columns=[Column("value"), *(Column(name, numeric=True) for name in columns)],
        rows=rows,
        sortable=False,
    )


def _sentences(study: OpenedStudy) -> list[str]:
    view = study.view
    if not view.evaluations:
        return ["No evaluation has finished yet: this page has only the study's settings."]
    if view.incumbent is None:
        return [verdict(view)]
    if view.baseline is None:
        trial, result = view.incumbent
        assert result.loss is not None
        return [
            f"Best so far: {loss_words(result)}, {title(trial)}. The default "
            "has not finished yet, so there is nothing to compare with."
        ]
    return [_regrets(view.incumbent, view.baseline), verdict(view)]


def _regrets(tuned: tuple[Trial, TrialResult], default: tuple[Trial, TrialResult]) -> str:
    """The incumbent's regret against the default's; empty if they are equal, or one crashed."""
    one, two = (Outcome.from_result(result).regret for _, result in (tuned, default))
    if tuned[0].id == default[0].id or one is None or two is None:
        return ""
    words = (
        f"The best configuration on validation, {title(tuned[0])}, has a test regret of "
        f"{100 * one:.2f} percentage points; the default's is {100 * two:.2f}"
    )
    if min(one, two) > 0:
        ratio = f"{two / one:.1f} times as high" if two >= one else f"{one / two:.1f} times lower"
        words += f", {ratio}"
    return f"{words}."


def _card(label: str, pair: tuple[Trial, TrialResult]) -> Card:
    trial, result = pair
    if result.loss is None:
        return Card(label, "crashed", epochs(trial.budget))
    outcome = Outcome.from_result(result)
    known = lines_of(outcome)
    shown = next((one for one in _SHOWN_FIRST if one in known), "loss")
    detail = [f"{one} {known[one]}" for one in _BESIDE if one in known and one != shown]
    value = known.get(shown, loss_text(result.loss, outcome.objective))
    if outcome.regret is not None:
        value = f"{100 * outcome.regret:.2f} points"
    return Card(f"{label}: {shown}", value, ", ".join([*detail, epochs(trial.budget)]))


def _known(columns: dict[str, tuple[Trial, TrialResult]]) -> Iterator[Row]:
    """A row for each number that any of the results has."""
    outcomes = [Outcome.from_result(result) for _, result in columns.values()]
    if any(outcome.has_own_loss for outcome in outcomes):
        losses = [
            NOTHING if one.loss is None else Cell(loss_text(one.loss, one.objective))
            for one in outcomes
        ]
        yield _row("loss", losses)
    for name, field in _SHARES.items():
        if any(getattr(outcome, field) is not None for outcome in outcomes):
            yield _row(name, [share(getattr(outcome, field)) for outcome in outcomes])
    for metric in dict.fromkeys(metric for outcome in outcomes for metric in outcome.costs):
        label = next(one for one in outcomes if metric in one.costs).cost_label(metric)
        yield _row(label, [_number(one.costs.get(metric)) for one in outcomes])
    if any(outcome.objective_seconds is not None for outcome in outcomes):
        yield _row("search, s", [_number(one.seconds) for one in outcomes])
        yield _row("objective, s", [_number(one.objective_seconds) for one in outcomes])


def _number(value: float | None) -> Cell:
    return NOTHING if value is None else Cell(f"{value:.4g}", value)


def _row(name: str, cells: list[Cell]) -> Row:
    return Row([Cell(name), *cells])
