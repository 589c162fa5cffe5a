"""A trial: one configuration at one budget, and how it ended; in this run or in an earlier one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from oneshot_hpo.hpo.plain import finite_loss, plain

TrialId = tuple[int, int, int]
"""(bracket, rung at which the configuration was first run, its number there)."""

BASELINE_ID: TrialId = (-1, 0, 0)
"""The id of the default configuration, which is evaluated first."""


@dataclass(frozen=True)
class Trial:
    """One configuration to be evaluated at one budget."""

    id: TrialId
    """Which configuration; it keeps its id when it is promoted."""
    budget: int | float
    """How much to spend on it, in the study's unit (epochs)."""
    config: dict[str, Any]
    """Its values by hyperparameter name; inactive hyperparameters are absent."""
    seq: int
    """The number of the decision that asked for it."""
    attempt: int
    """How often its infrastructure was lost before (0 at first)."""
    seed: int
    """The seed for whatever evaluates it; the same for every attempt."""

    @property
    def key(self) -> str:
        """`<id>/<budget>`, unique in the study and fit for a folder: "0-0-3/9", "baseline/27"."""
        name = "baseline" if self.id == BASELINE_ID else "-".join(map(str, self.id))
        return f"{name}/{self.budget}"


@dataclass(frozen=True)
class TrialResult:
    """How a trial ended: with a loss, or with a crash of the search.

    A loss that is not a finite number, or any exception, makes it a crash. Crashes are data: they
    are never promoted and never incumbents, and the model counts them among the bad
    configurations.
    """

    loss: float | None
    """What is minimised (validation error as a fraction)."""
    info: dict[str, Any] = field(default_factory=dict)
    """Whatever else is to be journaled; opaque to this package."""
    exception: str | None = None
    """Why the search crashed."""
    timestamps: dict[str, float] = field(default_factory=dict)
    """Seconds since the epoch: submitted, started, finished."""

    @property
    def crashed(self) -> bool:
        """Whether the search crashed."""
        return self.exception is not None or finite_loss(self.loss) is None

    def event_fields(self) -> dict[str, Any]:
        """What an event says of it: loss, info, exception, timestamps, as JSON knows them.

        Either the loss or the exception is None. Raises StudyError for info that is no JSON.
        """
        exception = self.exception
        loss = finite_loss(self.loss) if exception is None else None
        if loss is None and exception is None:
            exception = f"the loss is not a finite number: {self.loss!r}"
        return {
            "loss": loss,
            "info": plain(dict(self.info)),
            "exception": exception,
            "timestamps": plain(dict(self.timestamps)),
        }


@dataclass(frozen=True)
class Observation:
    """What a configuration came to in an earlier run, for the model to start with.

    It is no evaluation of the study: no trial, in no bracket, never an incumbent.
    """

    config: dict[str, Any]
    """Its values by hyperparameter name; inactive hyperparameters are absent."""
    budget: int | float
    """What was spent on it, in the study's unit (epochs)."""
    loss: float | None
    """What is minimised; None for a crash."""
