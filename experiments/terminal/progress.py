"""How far a study is, while it runs: a panel on a terminal, lines in a log or pipe."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.live import Live

from oneshot_hpo.experiments.terminal.display import Display
from oneshot_hpo.experiments.terminal.panel import STUDY, Rendering
from oneshot_hpo.experiments.terminal.rate_limiter import RateLimiter
from oneshot_hpo.experiments.wording import duration


class LiveDisplay(Display):
    """A panel on the terminal that is kept up to date."""

    def __init__(
        self, console: Console, title: str, workers: int, rendering: Rendering = STUDY
    ) -> None:
        super().__init__(console, title)
        self._rendering = rendering
        self._workers = workers
        self._live = Live(console=console, auto_refresh=False)
        self._rate = RateLimiter()
        self._skipped: tuple[Any, int, str] | None = None

    def update(self, study: Any, running: int, workers: str) -> None:
        """Draw the state of the study, unless it was drawn a moment ago.

        running: trials that run. workers: what the workers do, in words.
        """
        if not self._rate.is_due:
            self._skipped = (study, running, workers)
            return
        with self._rate.measured():
            self._draw(study, running, workers)
        self._skipped = None

    def _start(self) -> None:
        self._live.start()

    def _stop(self, failed: bool) -> None:
        if self._skipped is not None:
            self._draw(*self._skipped)
        self._live.stop()

    def _draw(self, study: Any, running: int, workers: str) -> None:
        times = f"elapsed {duration(self._elapsed)}"
        left = self._rendering.seconds_left(study, self._workers)
        if left is not None and not study.finished:
            times += f", about {duration(left)} left"
        panel = self._rendering.panel(study, self._title, running, times, workers)
        self._live.update(panel, refresh=True)


class PlainDisplay(Display):
    """A line for each evaluation that has finished, for logs and pipes."""

    def __init__(
        self, console: Console, title: str, workers: int, rendering: Rendering = STUDY
    ) -> None:
        super().__init__(console, title)
        self._rendering = rendering
        self._workers = workers
        self._shown: int | None = None
        self._workers_shown = ""
        self._rate = RateLimiter()

    def update(self, study: Any, running: int, workers: str) -> None:
        """Print what has finished since the last call, and why no trial runs."""
        evaluations = study.evaluations
        if self._shown is None:
            self._shown = len(evaluations)
            self.say(f"{self._title}; {self._shown} of {study.total_evaluations} done")

        for position in range(self._shown, len(evaluations)):
            trial, result = evaluations[position]
            line = f"[{position + 1}/{study.total_evaluations}] "
            line += self._rendering.line(trial, result)
            if position == len(evaluations) - 1:
                line += self._time_left(study)
            self.say(line)
        self._shown = len(evaluations)

        if running == 0 and workers not in ("", self._workers_shown):
            self._workers_shown = workers
            self.say(f"no trial runs; workers: {workers}")

    def _time_left(self, study: Any) -> str:
        """In words; seldom in a long study, for it looks at all evaluations."""
        if not self._rate.is_due:
            return ""
        with self._rate.measured():
            left = self._rendering.seconds_left(study, self._workers)
        return f"; about {duration(left)} left" if left else ""


def display_for(
    console: Console, title: str, workers: int, rendering: Rendering = STUDY
) -> LiveDisplay | PlainDisplay:
    """A panel for a terminal, lines for anything else."""
    kind = LiveDisplay if console.is_terminal else PlainDisplay
    return kind(console, title, workers, rendering)
