"""How far work of a known size is: a bar on a terminal, lines now and then in a log or pipe."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from oneshot_hpo.experiments.wording import duration

_SECONDS = 30.0  # between two lines


class WorkBar:
    """A context manager; `total` and what is done are in any unit."""

    def __init__(self, console: Console, what: str, total: float, done: float = 0) -> None:
        self._console = console
        self._what = what
        self._total = total
        self._begun_with = self._done = done
        self._started = self._said = time.monotonic()
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=console,
        )
        self._line = self._bar.add_task(what, total=total)
        self._bar.update(self._line, completed=done)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._console.is_terminal:
            self._bar.stop()
        elif kind is None:
            self._say()

    def advance(self, more: float) -> None:
        """So much more is done."""
        self.reach(self._done + more)

    def reach(self, done: float) -> None:
        """So much is done in all."""
        self._done = done
        self._bar.update(self._line, completed=done)
        if not self._console.is_terminal and time.monotonic() - self._said >= _SECONDS:
            self._say()

    def _say(self) -> None:
        self._said = time.monotonic()
        elapsed = self._said - self._started
        share = self._done / self._total if self._total else 1.0
        line = f"{self._what}: {100 * share:.0f} % after {duration(elapsed)}"
        if self._begun_with < self._done < self._total:
            left = elapsed * (self._total - self._done) / (self._done - self._begun_with)
            line += f", about {duration(left)} left"
        self._console.print(line, markup=False, soft_wrap=True)
