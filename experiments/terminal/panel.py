"""The state of a study on the terminal: brackets, evaluations, incumbent, time left."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from oneshot_hpo.experiments.numbers.pace import seconds_left
from oneshot_hpo.experiments.study.outcome import loss_words
from oneshot_hpo.experiments.wording import configuration
from oneshot_hpo.hpo import BracketState, ConfirmationView, StudyView, Trial, TrialResult

_BRACKETS_SHOWN = 8


class Rendering(NamedTuple):
    """How a study, or its confirmation, is shown while it runs."""

    panel: Callable[..., RenderableType]
    """From (study, title, running, times, workers)."""
    line: Callable[[Any, TrialResult], str]
    """From a trial and its result."""
    seconds_left: Callable[[Any, int], float | None]
    """From (study, number of workers); None if unknown."""


def study_panel(
    study: StudyView, title: str, running: int, times: str | None = None, workers: str = ""
) -> RenderableType:
    """The panel: brackets by budget, counts, state of the workers, incumbent and default."""
    facts = counts(study, running, workers)
    if study.incumbent is not None:
        trial, result = study.incumbent
        facts.add_row("best so far", f"{error(result)} at {_epochs(trial.budget)}")
        facts.add_row("", Text(configuration(trial.config)))
    if study.baseline is not None:
        trial, result = study.baseline
        facts.add_row("default", f"{error(result)} at {_epochs(trial.budget)}")
    if times is not None:
        facts.add_row("time", times)
    return Group(Text(title, style="bold"), _brackets(study), facts)


def counts(study: StudyView | ConfirmationView, running: int, workers: str) -> Table:
    """How many evaluations are done and what the workers do, as the first rows of a grid."""
    done, total = len(study.evaluations), study.total_evaluations
    words = f"{done} of {total} done, {running} running"
    if isinstance(study, StudyView) and study.stop_reached is not None:
        words += f", none starts: stop rule {study.stop_reached.rule}"
    else:
        words += f", {total - done - running} waiting"
    crashed = sum(result.crashed for _, result in study.evaluations)
    if crashed:
        words += f", {crashed} crashed"

    facts = Table.grid(padding=(0, 2))
    facts.add_row("evaluations", ProgressBar(total=total, completed=done, width=40))
    facts.add_row("", words)
    if isinstance(study, StudyView) and study.replicates:
        facts.add_row("replicates", f"{len(study.replicates)} done")
    if workers:
        facts.add_row("workers", Text(workers))
    return facts


def trial_line(trial: Trial, result: TrialResult) -> str:
    """How a trial ended."""
    name = trial.key.split("/")[0]
    return f"{name}, {_epochs(trial.budget)}: {error(result)}"


def error(result: TrialResult) -> str:
    """The loss that a trial ended with, in words, or its crash."""
    if result.loss is None:
        return f"crashed ({result.exception})"
    return loss_words(result)


STUDY = Rendering(study_panel, trial_line, seconds_left)


def _epochs(budget: float) -> str:
    return f"{budget:g} epochs" if budget != 1 else "1 epoch"


def _brackets(study: StudyView) -> Table:
    """One row a bracket, one column a budget: "finished/planned", and a "+" for each that runs."""
    brackets = study.brackets
    budgets = sorted({rung.budget for bracket in brackets for rung in bracket.rungs})
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("bracket", justify="right")
    for budget in budgets:
        table.add_column(_epochs(budget), justify="right")

    for bracket in _brackets_shown(study):
        cells = dict.fromkeys(budgets, "")
        for rung in bracket.rungs:
            begun = rung.started - rung.finished
            cells[rung.budget] = ("+" * begun + " " if begun else "") + (
                f"{rung.finished}/{rung.planned}"
            )
        table.add_row(f"{bracket.iteration + 1} of {len(brackets)}", *cells.values())
    return table


def _brackets_shown(study: StudyView) -> Sequence[BracketState]:
    """As many as fit on a screen, from two before the first that is not finished."""
    brackets = study.brackets
    unfinished = [
        place
        for place, bracket in enumerate(brackets)
        if any(rung.finished < rung.planned for rung in bracket.rungs)
    ]
    first = unfinished[0] if unfinished else len(brackets)
    first = max(0, min(first - 2, len(brackets) - _BRACKETS_SHOWN))
    return brackets[first : first + _BRACKETS_SHOWN]
