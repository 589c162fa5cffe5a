"""The summary of a study: the tuned configuration against the default one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from oneshot_hpo.experiments.study.folder import SPECIFICATION
from oneshot_hpo.experiments.study.kept_weights import checkpoint_of
from oneshot_hpo.experiments.study.outcome import (
    Outcome,
    loss_text,
    loss_words,
    objective_seconds,
    search_seconds,
)
from oneshot_hpo.experiments.terminal.hints import command, say, say_paragraph
from oneshot_hpo.experiments.terminal.tables import print_table
from oneshot_hpo.experiments.wording import duration, file_size, number, percent
from oneshot_hpo.hpo import StudyView, TrialResult
from oneshot_hpo.hpo.journal.file import JOURNAL_NAME

if TYPE_CHECKING:
    from oneshot_hpo.experiments.study.shrunken import ShrunkenBest

_ROWS = (
    ("validation error", "valid"),
    ("test error", "test"),
    ("test regret", "regret"),
)

NOTHING = "–"
EXPECTED = "expected with new seeds"
"""The label of a posterior mean (`ShrunkenBest`)."""

_FILES = {
    "every decision and result": JOURNAL_NAME,
    "every setting": SPECIFICATION,
    "every search, epoch by epoch": "trials",
}


def print_summary(
    console: Console,
    study: StudyView,
    folder: Path,
    caveats: Sequence[str] = (),
    kept: Mapping[str, int] | None = None,
    shrunken: ShrunkenBest | None = None,
) -> None:
    """Print tuned against default, the verdict in a sentence, and where the files are.

    caveats: sentences that qualify every number. kept: bytes of the supernets that are kept, by
    their trials' keys. shrunken: `OpenedStudy.shrunken`.
    """
    say(console, "")
    if study.incumbent is not None and study.baseline is not None:
        _print_table(console, study, shrunken)
    say_paragraph(console, verdict(study))
    if shrunken is not None:
        say_paragraph(console, shrunken.words)
    if study.stop_reached is not None:
        say_paragraph(console, ended_words(study))
    for sentence in (*caveats, *spent_words(study)):
        say_paragraph(console, sentence)
    if words := comparing_words(study):
        say_paragraph(console, words)
    say(console, "")
    if study.stop_reached is not None:
        say(console, f"{'without that rule:':30}{without_rule(study.stop_reached.rule, folder)}")
    if study.incumbent is not None:
        say(console, f"{'with more seeds:':30}{command('confirm', folder)}")
    for what, name in _FILES.items():
        say(console, f"{what + ':':30}{folder / name}")
    if kept:
        say(console, f"{'supernets that are kept:':30}{kept_words(folder, kept)}")


def kept_words(folder: Path, kept: Mapping[str, int]) -> str:
    """Where kept supernets are, and how large they are."""
    size = file_size(sum(kept.values()))
    if len(kept) == 1:
        [key] = kept
        return f"{checkpoint_of(folder, key)} ({size})"
    return f"{len(kept)} checkpoints in {folder / 'trials'} ({size})"


def ended_words(study: StudyView) -> str:
    """A sentence on the stop rule that was reached; empty if none was."""
    reached = study.stop_reached
    if reached is None:
        return ""
    done, planned = len(study.evaluations), study.total_evaluations
    return (
        f"The study has stopped by its rule {reached.rule} ({reached.reason}), after {done} of "
        f"{planned} evaluations. It can be extended with another limit, or without that rule."
    )


def without_rule(rule: str, folder: Path) -> str:
    """The command that extends a study past a stop rule that it has reached."""
    return command("extend", folder, "--stop", f"{rule}=null")


def spent_words(study: StudyView) -> list[str]:
    """A sentence on what searches and objective took, where the objective takes time itself."""
    results = [result for _, result in study.evaluations]
    own = [seconds for result in results if (seconds := objective_seconds(result)) is not None]
    if not own:
        return []
    searched = sum(search_seconds(result) or 0.0 for result in results)
    times = f"{duration(searched)} of one worker, their objective {duration(sum(own))}"
    return [f"The searches took {times}."]


def verdict(study: StudyView) -> str:
    """The result in plain words; selection is on validation error, test is only reported."""
    crashed = sum(result.crashed for _, result in study.evaluations)
    lost = f" {crashed} of {len(study.evaluations)} evaluations crashed." if crashed else ""
    if study.incumbent is None:
        return f"Every evaluation crashed, the last one: {study.evaluations[-1][1].exception}."
    assert study.baseline is not None
    if not study.settings.iterations:
        return "Nothing was tuned: this is one search with the study's own settings."
    (best, tuned), (first, default) = study.incumbent, study.baseline
    assert tuned.loss is not None
    if default.loss is None:
        return f"The default configuration crashed: {default.exception}." + lost
    if best.budget == first.budget and tuned.loss >= default.loss:
        return "No configuration did better than the default: it is still the best." + lost
    words = f"{_gains(default, tuned)}."
    if best.budget != first.budget:
        words += (
            f" Epochs of the search: {number(first.budget)} for the default, {number(best.budget)} "
            "for the tuned configuration."
        )
    return f"{words} This is one search each: other seeds may order them otherwise.{lost}"


def comparing_words(study: StudyView) -> str:
    """What comparing cells cost, in a sentence; empty where no search compared any."""
    outcomes = [Outcome.from_result(result) for _, result in study.evaluations]
    compared = sum(outcome.compare_seconds or 0.0 for outcome in outcomes)
    searched = sum(outcome.seconds or 0.0 for outcome in outcomes)
    if not compared or not searched:
        return ""
    return (
        f"Comparing cells took {duration(compared)} of the searches' {duration(searched)} "
        f"({compared / searched:.0%}); that does not depend on the budget."
    )


def _gains(default: TrialResult, tuned: TrialResult) -> str:
    """How much better the tuned cell is on validation and on test, where both are known."""
    was, now = Outcome.from_result(default), Outcome.from_result(tuned)
    gains: list[str] = []
    for field, where in (("valid", "validation"), ("test", "test")):
        one, two = getattr(was, field), getattr(now, field)
        if one is not None and two is not None:
            unit = "points" if gains else "percentage points"
            word = "better" if one >= two else "worse"
            gains.append(f"{100 * abs(one - two):.2f} {unit} {word} on {where}")
    if gains:
        return f"Tuned, the cell is {', '.join(gains)}"
    return f"Tuned: {loss_words(tuned)}; the default: {loss_words(default)}"


def _print_table(console: Console, study: StudyView, shrunken: ShrunkenBest | None) -> None:
    assert study.incumbent is not None
    assert study.baseline is not None
    columns = [study.baseline, study.incumbent][: 2 if study.settings.iterations else 1]

    results = _results([result for _, result in columns])
    if shrunken is not None:
        tuned = shrunken.text(shrunken.posterior)
        default = tuned if shrunken.is_default else shrunken.text(shrunken.default)
        results.append((EXPECTED, default, tuned))
    results.append(("epochs", *(number(trial.budget) for trial, _ in columns)))
    values = [
        (name, *(number(trial.config.get(name, "")) for trial, _ in columns))
        for name in sorted(study.baseline[0].config)
    ]
    headings = ("", "default", "tuned")[: 1 + len(columns)]
    print_table(console, headings, [results, values])


def _results(results: Sequence[TrialResult]) -> list[tuple[str, ...]]:
    """The rows of what is known of any of these results."""
    outcomes = [Outcome.from_result(result) for result in results]
    labels = dict.fromkeys(label for outcome in outcomes for label in lines_of(outcome))
    return [
        (
            label,
            *(
                "crashed" if result.crashed else lines_of(outcome).get(label, NOTHING)
                for result, outcome in zip(results, outcomes, strict=True)
            ),
        )
        for label in labels
    ]


def lines_of(outcome: Outcome) -> dict[str, str]:
    """What is known of an architecture, by label; the loss too where it is none of its errors."""
    lines = {}
    if outcome.loss is not None and outcome.has_own_loss:
        lines["loss"] = loss_text(outcome.loss, outcome.objective)
    for label, field in _ROWS:
        value = getattr(outcome, field)
        if value is not None:
            lines[label] = percent(value)
    if outcome.percentile is not None:
        lines["better than"] = f"{outcome.percentile:.1f} % of cells"
    for label, value in outcome.costs.items():
        lines[outcome.cost_label(label)] = f"{value:.4g}"
    if outcome.objective_seconds is not None and outcome.seconds is not None:
        lines["search"] = f"{outcome.seconds:.1f} s"
        lines["objective"] = f"{outcome.objective_seconds:.1f} s"
    return lines
