"""The state of a study, and how each event moves it on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from oneshot_hpo.hpo.errors import InvalidEvent
from oneshot_hpo.hpo.journal.events import Event
from oneshot_hpo.hpo.randomness import trial_seed
from oneshot_hpo.hpo.trial import BASELINE_ID, Trial, TrialId, TrialResult

Key = tuple[TrialId, int | float]
"""Of a trial: the id of its configuration, and its budget."""


@dataclass(frozen=True)
class TrialRecord:
    """What the journal says of a trial beside its result."""

    info: dict[str, Any]
    """How its configuration was found: {"model_based_pick": whether the model proposed it}."""
    submitted_at: float
    """When it was asked for, in seconds since the epoch."""
    finished_at: float | None = None
    """When its result was told."""


class StudyState:
    """What the events of a study, applied in their order, have come to.

    Each method applies one kind of event, and raises InvalidEvent if it cannot follow here.
    """

    def __init__(self, seed: int) -> None:
        """seed: the study's."""
        self._seed = seed
        self.seq = 0
        """The number of the next decision."""
        self.trials: dict[Key, Trial] = {}
        self.pending: dict[Key, Trial] = {}
        self.records: dict[Key, TrialRecord] = {}
        self.evaluations: list[tuple[Trial, TrialResult]] = []
        """In the order of telling."""
        self.notes: list[dict[str, Any]] = []
        self.started_on_rung: dict[tuple[int, int | float], int] = {}
        self.finished_on_rung: dict[tuple[int, int | float], int] = {}
        self.incumbent: tuple[Trial, TrialResult] | None = None
        self.baseline: tuple[Trial, TrialResult] | None = None

    def ask(self, event: Event) -> None:
        """A trial is asked for."""
        self._decide(event)
        key = trial_id, budget = _key(event)
        if key in self.trials:
            raise InvalidEvent(f"trial {list(trial_id)} at budget {budget} was asked for already")

        seed = trial_seed(self._seed, trial_id, budget)
        trial = Trial(trial_id, budget, event["config"], event["seq"], attempt=0, seed=seed)
        self.trials[key] = self.pending[key] = trial
        self.records[key] = TrialRecord(event["info"], submitted_at=event["time"])
        _count(self.started_on_rung, trial)

    def tell(self, event: Event) -> None:
        """A pending trial has ended."""
        self._decide(event)
        key = _key(event)
        trial = self.pending_trial(key)
        result = TrialResult(event["loss"], event["info"], event["exception"], event["timestamps"])

        del self.pending[key]
        self.records[key] = replace(self.records[key], finished_at=event["time"])
        self.evaluations.append((trial, result))
        _count(self.finished_on_rung, trial)

        if trial.id == BASELINE_ID:
            self.baseline = (trial, result)
        if result.loss is not None and self._beats_incumbent(trial, result.loss):
            self.incumbent = (trial, result)

    def retry(self, event: Event) -> None:
        """An attempt at a pending trial was lost; the next one begins."""
        key = _key(event)
        trial = self.pending_trial(key)
        if event["attempt"] != trial.attempt + 1:
            raise InvalidEvent(f"attempt is {event['attempt']} where {trial.attempt + 1} is next")
        self.pending[key] = replace(trial, attempt=event["attempt"])

    def retry_crash(self, event: Event) -> None:
        """A trial that crashed is pending again: its crash is forgotten, its attempts too."""
        self._decide(event)
        key = _key(event)
        place = self._place_of_crash(key)

        del self.evaluations[place]
        self.pending[key] = self.trials[key]
        self.records[key] = replace(self.records[key], finished_at=None)
        _count(self.finished_on_rung, self.trials[key], -1)

        if key[0] == BASELINE_ID:
            self.baseline = None

    def pending_trial(self, key: Key) -> Trial:
        """The trial of this key; InvalidEvent unless it is pending."""
        if key in self.pending:
            return self.pending[key]
        state = "told already" if key in self.trials else "not asked for"
        raise InvalidEvent(f"trial {list(key[0])} at budget {key[1]} was {state}")

    def crashed(self, key: Key) -> Trial:
        """The trial of this key; InvalidEvent unless it crashed."""
        return self.evaluations[self._place_of_crash(key)][0]

    def _place_of_crash(self, key: Key) -> int:
        for place, (trial, result) in enumerate(self.evaluations):
            if (trial.id, trial.budget) == key and result.crashed:
                return place
        raise InvalidEvent(f"trial {list(key[0])} at budget {key[1]} did not crash")

    def _decide(self, event: Event) -> None:
        """Counts a decision."""
        if event["seq"] != self.seq:
            raise InvalidEvent(f"seq is {event['seq']} where {self.seq} is next")
        self.seq += 1

    def _beats_incumbent(self, trial: Trial, loss: float) -> bool:
        if self.incumbent is None:
            return True
        best_trial, best = self.incumbent
        if trial.budget != best_trial.budget:
            return trial.budget > best_trial.budget
        return best.loss is None or loss < best.loss


def _key(event: Event) -> Key:
    return tuple(event["id"]), event["budget"]


def _count(counts: dict[tuple[int, int | float], int], trial: Trial, change: int = 1) -> None:
    rung = (trial.id[0], trial.budget)
    counts[rung] = counts.get(rung, 0) + change
