"""Protocols of the loop: the study or confirmation that it runs, and the display."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from oneshot_hpo.hpo import Rerun, Trial, TrialResult

Run = TypeVar("Run", Trial, Rerun)


class Work(Protocol[Run]):
    """A study or a confirmation to run."""

    @property
    def finished(self) -> bool:
        """Whether every planned run has a result."""

    @property
    def pending(self) -> Sequence[Run]:
        """Runs without a result, in the order of ask."""

    def ask(self) -> Run | None:
        """The next run; None: nothing can start before another tell, or no run is left."""

    def tell(self, trial: Run, result: TrialResult, /) -> None:
        """Record the result of a pending run."""

    def retry(self, trial: Run, reason: str, /) -> Run:
        """The next attempt at a pending run whose infrastructure was lost, or that failed."""

    def note(self, text: str, environment: dict[str, Any], /) -> None:
        """Journal a note about the environment."""

    @property
    def evaluations(self) -> Sequence[tuple[Run, TrialResult]]:
        """Runs with their results, in the order of tell."""


class Display(Protocol):
    """Shows the state of a study."""

    def update(self, study: Any, running: int, workers: str) -> None:
        """Called several times a second; `running` trials are on workers.

        workers: their state in words, or empty.
        """

    def say(self, line: str) -> None:
        """Shows a line that stays on the terminal."""
