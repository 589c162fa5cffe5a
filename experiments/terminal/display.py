"""What every display of progress is: a context in which lines are printed, and time passes."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console

from oneshot_hpo.experiments.terminal.hints import say


class Display:
    """Progress of some work on a console, shown while the context lasts."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._started = time.monotonic()

    def __enter__(self) -> Self:
        self._start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop(failed=kind is not None)

    def say(self, line: str) -> None:
        """Print a line that stays; above what is drawn, if something is."""
        say(self._console, line)

    @property
    def _elapsed(self) -> float:
        """Seconds since the display was made."""
        return time.monotonic() - self._started

    def _start(self) -> None:
        """Begin to draw."""

    def _stop(self, failed: bool) -> None:
        """Draw the last state; `failed`: an exception ended the work."""
