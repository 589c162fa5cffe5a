"""How a study stands, while it runs: brackets, evaluations, incumbent, time left."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, NamedTuple, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from oneshot_hpo.experiments.terminal.sparing import Sparing
from oneshot_hpo.experiments.wording import configuration, duration, percent
from oneshot_hpo.hpo import ConfirmationView, Rerun, StudyView, Trial, TrialResult

_BRACKETS_SHOWN = 8


class Words(NamedTuple):
    """What a display shows of what is run."""

    standing: Callable[..., RenderableType]
    """The panel of (work, title, running, times, workers)."""
    ending: Callable[[Any, TrialResult], str]
    """How a trial ended, in a line."""
    seconds_left: Callable[[Any, int], float | None]
    """Of (work, number of workers); None while nobody knows."""


class LiveDisplay:
    """A panel on the terminal that is kept up to date, as a context manager.

    words: None for those of a study.
    """

    def __init__(
        self, console: Console, title: str, workers: int, words: Words | None = None
    ) -> None:
        self._words = words or STUDY
        self._title = title
        self._workers = workers
        self._started = time.monotonic()
        self._live = Live(console=console, auto_refresh=False)
        self._drawing = Sparing()
        self._left_out: tuple[Any, int, str] | None = None

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._left_out is not None:
            self._draw(*self._left_out)
        self._live.stop()

    def update(self, study: Any, running: int, workers: str) -> None:
        """Draw the study anew, if the last time is not just over; `running` are on `workers`."""
        if not self._drawing.due:
            self._left_out = (study, running, workers)
            return
        with self._drawing.doing():
            self._draw(study, running, workers)
        self._left_out = None

    def say(self, line: str) -> None:
        """Print a line that stays, above what is drawn."""
        self._live.console.print(line, markup=False, soft_wrap=True)

    def _draw(self, study: Any, running: int, workers: str) -> None:
        times = f"elapsed {duration(time.monotonic() - self._started)}"
        left = self._words.seconds_left(study, self._workers)
        if left is not None and not study.finished:
            times += f", about {duration(left)} left"
        panel = self._words.standing(study, self._title, running, times, workers)
        self._live.update(panel, refresh=True)


class PlainDisplay:
    """A line for each evaluation that has ended, for logs and pipes."""

    def __init__(
        self, console: Console, title: str, workers: int, words: Words | None = None
    ) -> None:
        self._words = words or STUDY
        self._console = console
        self._title = title
        self._workers = workers
        self._shown: int | None = None
        self._workers_shown = ""
        self._reckoning = Sparing()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        """Nothing is left to do."""

    def say(self, line: str) -> None:
        """Print a line."""
        self._print(line)

    def update(self, study: Any, running: int, workers: str) -> None:
        """Print what has ended since the last call, and why no trial runs."""
        evaluations = study.evaluations
        if self._shown is None:
            self._shown = len(evaluations)
            self._print(f"{self._title}; {self._shown} of {study.total_evaluations} done")
        for position in range(self._shown, len(evaluations)):
            trial, result = evaluations[position]
            line = f"[{position + 1}/{study.total_evaluations}] "
            line += self._words.ending(trial, result)
            if position == len(evaluations) - 1:
                line += self._time_left(study)
            self._print(line)
        self._shown = len(evaluations)
        if running == 0 and workers not in ("", self._workers_shown):
            self._workers_shown = workers
            self._print(f"no trial runs; workers: {workers}")

    def _time_left(self, study: Any) -> str:
        """All evaluations are gone through for it: not after each one of a long study."""
        if not self._reckoning.due:
            return ""
        with self._reckoning.doing():
            left = self._words.seconds_left(study, self._workers)
        return f"; about {duration(left)} left" if left else ""

    def _print(self, line: str) -> None:
        self._console.print(line, soft_wrap=True, highlight=False, markup=False)
        self._console.file.flush()


def display_for(
    console: Console, title: str, workers: int, words: Words | None = None
) -> LiveDisplay | PlainDisplay:
    """A panel for a terminal, lines for anything else; words: None for those of a study."""
    kind = LiveDisplay if console.is_terminal else PlainDisplay
    return kind(console, title, workers, words)


def standing(
    study: StudyView, title: str, running: int, times: str | None = None, workers: str = ""
) -> RenderableType:
    """The panel: brackets by budget, counts, how workers stand, incumbent and default."""
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
    """How many evaluations are done and how workers stand, as the first rows of a grid."""
    done, total = len(study.evaluations), study.total_evaluations
    words = f"{done} of {total} done, {running} running, {total - done - running} waiting"
    crashed = sum(result.crashed for _, result in study.evaluations)
    if crashed:
        words += f", {crashed} crashed"
    facts = Table.grid(padding=(0, 2))
    facts.add_row("evaluations", ProgressBar(total=total, completed=done, width=40))
    facts.add_row("", words)
    if workers:
        facts.add_row("workers", Text(workers))
    return facts


def seconds_left(study: StudyView, workers: int) -> float | None:
    """Epochs still to be run, at the pace of those that were; None while there is no pace yet."""
    pace = seconds_an_epoch(study.evaluations)
    rungs = [rung for bracket in study.brackets for rung in bracket.rungs]
    left = sum((rung.planned - rung.finished) * rung.budget for rung in rungs)
    return None if pace is None else left * pace / workers


def seconds_an_epoch(evaluations: Iterable[tuple[Trial | Rerun, TrialResult]]) -> float | None:
    """The pace of searches that did not crash: seconds of one worker; None if there is none."""
    spent = epochs = 0.0
    for trial, result in evaluations:
        if "search_seconds" in result.timestamps and not result.crashed:
            spent += result.timestamps["search_seconds"]
            epochs += trial.budget
    return spent / epochs if epochs else None


def ending(trial: Trial, result: TrialResult) -> str:
    """How a trial ended, in a line."""
    name = trial.key.split("/")[0]
    return f"{name}, {_epochs(trial.budget)}: {error(result)}"


STUDY = Words(standing, ending, seconds_left)


def error(result: TrialResult) -> str:
    """The validation error that a trial ended with, or its crash."""
    if result.loss is None:
        return f"crashed ({result.exception})"
    return f"{percent(result.loss)} validation error"


def _epochs(budget: float) -> str:
    return f"{budget:g} epochs" if budget != 1 else "1 epoch"


def _brackets(study: StudyView) -> Table:
    """One row a bracket, one column a budget, "told/planned" and what is on its way."""
    brackets = study.brackets
    budgets = sorted({rung.budget for bracket in brackets for rung in bracket.rungs})
    table = Table(box=None, padding=(0, 2), header_style="dim")
    table.add_column("bracket", justify="right")
    for budget in budgets:
        table.add_column(_epochs(budget), justify="right")
    unfinished = [
        place
        for place, bracket in enumerate(brackets)
        if any(rung.finished < rung.planned for rung in bracket.rungs)
    ]
    first = unfinished[0] if unfinished else len(brackets)
    first = max(0, min(first - 2, len(brackets) - _BRACKETS_SHOWN))
    for bracket in brackets[first : first + _BRACKETS_SHOWN]:
        cells = dict.fromkeys(budgets, "")
        for rung in bracket.rungs:
            begun = rung.started - rung.finished
            cells[rung.budget] = ("+" * begun + " " if begun else "") + (
                f"{rung.finished}/{rung.planned}"
            )
        table.add_row(f"{bracket.iteration + 1} of {len(brackets)}", *cells.values())
    return table
