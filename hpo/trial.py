"""A trial (one configuration at one budget), its result, and observations of earlier runs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from oneshot_hpo.hpo.plain import finite_loss, plain

TrialId = tuple[int, int, int]
"""(bracket, rung at which the configuration was first run, its number there)."""

BASELINE_ID: TrialId = (-1, 0, 0)
"""The id of the default configuration, which is evaluated first."""

CONTINUES = "continues"
"""In the info of a trial that was promoted with `promotion: continue`: the budget of the trial
where it goes on."""


@dataclass(frozen=True)
class Trial:
    """One evaluation: a configuration at a budget."""

    id: TrialId
    """Id of the configuration, which it keeps when it is promoted."""
    budget: int | float
    """Budget of the evaluation, in the study's unit (epochs)."""
    config: dict[str, Any]
    """Its values by hyperparameter name; inactive hyperparameters are absent."""
    seq: int
    """Number of the decision that started it."""
    attempt: int
    """Number of earlier attempts, whose worker or connection was lost."""
    seed: int
    """The seed of the search, shared by all attempts, and by all trials where the study says so."""
    objective_seed: int | None = None
    """The trial's own seed, for what evaluates its result, where all searches share one; None: it
    is `seed`."""
    continues: int | float | None = None
    """The budget of the trial of this configuration where it goes on; None: it begins from
    nothing."""

    @property
    def spent(self) -> int | float:
        """The part of its budget that it runs itself."""
        return self.budget - (self.continues or 0)

    @property
    def key_continued(self) -> str | None:
        """The key of the trial where it goes on; None: it begins from nothing."""
        return None if self.continues is None else replace(self, budget=self.continues).key

    @property
    def key(self) -> str:
        """`<id>/<budget>`, as in "0-0-3/9" and "baseline/27": unique in the study, also a path."""
        name = "baseline" if self.id == BASELINE_ID else "-".join(map(str, self.id))
        return f"{name}/{self.budget}"


@dataclass(frozen=True)
class TrialResult:
    """The result of a trial: a loss, or a crash of the search.

    A loss that is not a finite number, or any exception, makes it a crash. Crashes are data: they
    are never promoted and never incumbents, and the model counts them among the bad
    configurations.
    """

    loss: float | None
    """The minimised loss (validation error as a fraction)."""
    info: dict[str, Any] = field(default_factory=dict)
    """Further facts for the journal; opaque to this package."""
    exception: str | None = None
    """Why the search crashed."""
    timestamps: dict[str, float] = field(default_factory=dict)
    """Seconds since the epoch: submitted, started, finished."""

    @property
    def crashed(self) -> bool:
        """Whether the search crashed."""
        return self.exception is not None or finite_loss(self.loss) is None

    def event_fields(self) -> dict[str, Any]:
        """Its fields in an event: loss, info, exception, timestamps, in JSON types.

        Either the loss or the exception is None. Raises StudyError if the info is not JSON.
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
    """The loss of a configuration in an earlier run, for the model to start with.

    It is not an evaluation of the study: it is in no bracket and never the incumbent.
    """

    config: dict[str, Any]
    """Its values by hyperparameter name; inactive hyperparameters are absent."""
    budget: int | float
    """Budget of the evaluation, in the study's unit (epochs)."""
    loss: float | None
    """The minimised loss; None for a crash."""
