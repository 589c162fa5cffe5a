"""What a master works on, and what shows it: a study or a confirmation, and its display."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from oneshot_hpo.hpo import Rerun, Trial, TrialResult

Run = TypeVar("Run", Trial, Rerun)


class Work(Protocol[Run]):
    """What is to be run: a study, or a confirmation."""

    @property
    def finished(self) -> bool:
        """Whether everything planned is told."""

    @property
    def pending(self) -> Sequence[Run]:
        """Asked for and not told yet, in the order of asking."""

    def ask(self) -> Run | None:
        """The next run; None: nothing can start before another tell, or all is asked for."""

    def tell(self, trial: Run, result: TrialResult, /) -> None:
        """How a pending run ended."""

    def retry(self, trial: Run, reason: str, /) -> Run:
        """The next attempt at a pending run whose infrastructure was lost, or that failed."""

    def note(self, text: str, environment: dict[str, Any], /) -> None:
        """Something about the environment of the work, to be remembered."""

    @property
    def evaluations(self) -> Sequence[tuple[Run, TrialResult]]:
        """Runs with their results, in the order of telling."""


class Display(Protocol):
    """Shows how a study stands."""

    def update(self, study: Any, running: int, workers: str) -> None:
        """Called several times a second; `running` trials are on workers.

        workers: how these stand, empty if there is nothing to say.
        """

    def say(self, line: str) -> None:
        """Shows a line that stays."""
