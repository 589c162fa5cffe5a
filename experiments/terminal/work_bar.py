"""How far work of a known size is: a bar on a terminal, lines now and then in a log or pipe."""

from __future__ import annotations

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from oneshot_hpo.experiments.terminal.display import Display
from oneshot_hpo.experiments.wording import duration

_SECONDS = 30.0  # between two lines


class WorkBar(Display):
    """`total` and what is done are in any unit; done: what was finished before."""

    def __init__(self, console: Console, title: str, total: float, done: float = 0) -> None:
        super().__init__(console, title)
        self._total = total
        self._begun_with = self._done = done
        self._last_line = 0.0
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task(title, total=total)
        self._bar.update(self._task, completed=done)

    def advance(self, more: float) -> None:
        """Count `more` as done."""
        self.reach(self._done + more)

    def reach(self, done: float) -> None:
        """Set what is done in all."""
        self._done = done
        self._bar.update(self._task, completed=done)
        if not self._console.is_terminal and self._elapsed - self._last_line >= _SECONDS:
            self._print_line()

    def _start(self) -> None:
        if self._console.is_terminal:
            self._bar.start()

    def _stop(self, failed: bool) -> None:
        if self._console.is_terminal:
            self._bar.stop()
        elif not failed:
            self._print_line()

    def _print_line(self) -> None:
        elapsed = self._last_line = self._elapsed
        share = self._done / self._total if self._total else 1.0
        line = f"{self._title}: {100 * share:.0f} % after {duration(elapsed)}"
        if self._begun_with < self._done < self._total:
            left = elapsed * (self._total - self._done) / (self._done - self._begun_with)
            line += f", about {duration(left)} left"
        self.say(line)
