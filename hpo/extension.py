"""An extension of a study: what a user adds to it, or gives up, after its launch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from oneshot_hpo.hpo.journal.events import Event
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.trial import TrialId

DROPPED = "dropped by the user"
"""The exception of a trial that was given up."""
ADDED: dict[str, Any] = {"model_based_pick": False, "added": True}
"""The info of a configuration that the user added."""


@dataclass(frozen=True, kw_only=True)
class Extension:
    """One extension: one event of the journal, so that it is recorded whole or not at all."""

    iterations: int = 0
    """Number of brackets more."""
    max_budget: int | float | None = None
    """The budget of a rung on top, eta times the largest before; None: no rung is added."""
    stop: dict[str, Any] = field(default_factory=dict)
    """All rules that end the study from now on, opaque to this package; empty: those before.

    With them, a study that a rule has ended starts trials again.
    """
    add: Sequence[dict[str, Any]] = ()
    """Configurations with which the next brackets start, instead of the optimizer's proposals."""
    drop: Sequence[tuple[TrialId, int | float]] = ()
    """Pending trials that are given up: (id of the configuration, budget). Each ends as a crash."""

    @property
    def is_empty(self) -> bool:
        """Whether it changes nothing."""
        kept = not self.iterations and self.max_budget is None
        return kept and not (self.stop or self.add or self.drop)

    def event_fields(self) -> dict[str, Any]:
        """Its fields in an event, in JSON types. Raises StudyError for values that are not JSON."""
        return {
            "iterations": self.iterations,
            "max_budget": self.max_budget,
            "stop": plain(self.stop),
            "add": [plain(config) for config in self.add],
            "drop": [{"id": list(trial_id), "budget": budget} for trial_id, budget in self.drop],
        }

    @classmethod
    def from_event(cls, event: Event) -> Extension:
        """The extension in an event."""
        return cls(
            iterations=event["iterations"],
            max_budget=event["max_budget"],
            stop=event["stop"],
            add=tuple(event["add"]),
            drop=tuple((tuple(trial["id"]), trial["budget"]) for trial in event["drop"]),
        )
