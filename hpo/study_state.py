"""The state of a study, updated by one event at a time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from oneshot_hpo.hpo.brackets import bracket_of
from oneshot_hpo.hpo.errors import InvalidEvent, InvalidSettings
from oneshot_hpo.hpo.extension import DROPPED, Extension
from oneshot_hpo.hpo.incumbent import beats
from oneshot_hpo.hpo.journal.events import Event, Note
from oneshot_hpo.hpo.plan import Plan
from oneshot_hpo.hpo.randomness import confirmation_seed, study_trial_seed, trial_seed
from oneshot_hpo.hpo.replicate import Replicate, ReplicateKey, most_wanted
from oneshot_hpo.hpo.settings import OptimizerSettings
from oneshot_hpo.hpo.trial import BASELINE_ID, Trial, TrialId, TrialResult

Key = tuple[TrialId, int | float]
"""Key of a trial: (id of its configuration, budget)."""


@dataclass(frozen=True)
class TrialRecord:
    """Facts about a trial that the journal holds in addition to its result."""

    info: dict[str, Any]
    """Origin of its configuration: {"model_based_pick": whether the model proposed it}."""
    submitted_at: float
    """Time of its ask event, in seconds since the epoch."""
    finished_at: float | None = None
    """Time of its tell event, in seconds since the epoch; None while it is pending."""


class Extended(NamedTuple):
    """An extension that the journal holds."""

    time: float
    """When it was journaled, in seconds since 1970."""
    extension: Extension


@dataclass(frozen=True)
class Retry:
    """An attempt at a trial whose infrastructure was lost: the next attempt began."""

    trial: Trial
    """As it was in the lost attempt."""
    time: float
    """When it was journaled, in seconds since 1970."""
    reason: str


@dataclass(frozen=True)
class StopReached:
    """A stop rule that was reached: no further trial starts."""

    time: float
    """When it was journaled, in seconds since 1970."""
    rule: str
    """Its key in the study file's section `stop`."""
    reason: str
    """What was reached, in words."""


class StudyState:
    """The state of a study after the events applied so far.

    Each kind of event has a method, which raises InvalidEvent if the event is not valid in this
    state.
    """

    def __init__(self, settings: OptimizerSettings) -> None:
        """settings: those of the study's optimizer at its launch."""
        self._settings = settings
        self.plan = Plan.of(settings)
        """All brackets and rungs, with those of the extensions so far."""
        self.extensions: list[Extended] = []
        self.started_brackets = 0
        self._waiting: list[dict[str, Any]] = []  # added configurations, for brackets to come
        self.seq = 0
        """The number of the next decision."""
        self.trials: dict[Key, Trial] = {}
        """Every trial that has started, as its first attempt."""
        self.pending: dict[Key, Trial] = {}
        self.records: dict[Key, TrialRecord] = {}
        self.evaluations: list[tuple[Trial, TrialResult]] = []
        """In the order in which they finished."""
        self.retries: list[Retry] = []
        """In the order of the journal."""
        self.noted: list[Note] = []
        self.started_on_rung: dict[tuple[int, int | float], int] = {}
        self.finished_on_rung: dict[tuple[int, int | float], int] = {}
        self.replicates: list[tuple[Replicate, TrialResult]] = []
        """In the order in which they finished."""
        self.pending_replicates: dict[ReplicateKey, Replicate] = {}
        self._replicated: Counter[Key] = Counter()
        self.incumbent: tuple[Trial, TrialResult] | None = None
        self.baseline: tuple[Trial, TrialResult] | None = None
        self.stop_reached: StopReached | None = None

    def ask(self, event: Event) -> None:
        """Start a trial."""
        if self.stop_reached is not None:
            raise InvalidEvent(f"its stop rule {self.stop_reached.rule} was reached before")
        self._decide(event)
        key = trial_id, budget = _key(event)
        if key in self.trials:
            raise InvalidEvent(f"trial {list(trial_id)} at budget {budget} has already started")

        own = trial_seed(self._settings.seed, trial_id, budget)
        place = trial_id, budget, event["config"], event["seq"]
        if self._settings.trial_seed == "study":
            shared = study_trial_seed(self._settings.seed)
            trial = Trial(*place, attempt=0, seed=shared, objective_seed=own)
        else:
            trial = Trial(*place, attempt=0, seed=own)
        self.trials[key] = self.pending[key] = trial
        self.records[key] = TrialRecord(event["info"], submitted_at=event["time"])
        self._count(self.started_on_rung, trial)
        self._begin_bracket(bracket_of(self._settings, trial_id))

    def tell(self, event: Event) -> None:
        """Finish a pending trial."""
        self._decide(event)
        result = TrialResult(event["loss"], event["info"], event["exception"], event["timestamps"])
        self._finish(_key(event), result, event["time"])

    def extend(self, event: Event) -> None:
        """Extend the study. An extension is no decision of the optimizer, so it is not counted."""
        extension = Extension.from_event(event)
        self.plan = self.extended_plan(extension)
        for key in extension.drop:
            self._finish(key, TrialResult(None, exception=DROPPED), event["time"])
        self._waiting += extension.add
        if extension.stop:
            self.stop_reached = None  # trials start again until one of these rules is reached
        self.extensions.append(Extended(event["time"], extension))

    def extended_plan(self, extension: Extension) -> Plan:
        """The plan with an extension. Raises InvalidEvent if the study cannot be extended so."""
        if extension.is_empty:
            raise InvalidEvent("it extends nothing")
        for key in extension.drop:
            self.pending_trial(key)
        if len(set(extension.drop)) < len(extension.drop):
            raise InvalidEvent("it drops a trial twice")

        plan = self.plan
        defaults = sum(trial_id == BASELINE_ID for trial_id, _ in self.trials)
        try:
            if extension.max_budget is not None:
                plan = plan.with_rung(
                    extension.max_budget, started=self.started_brackets, defaults=defaults
                )
            if extension.iterations:
                plan = plan.with_brackets(extension.iterations)
        except InvalidSettings as error:
            raise InvalidEvent(str(error)) from None

        if extension.add or self._waiting:
            self._check_room(plan, len(self._waiting) + len(extension.add))
        return plan

    def _check_room(self, plan: Plan, waiting: int) -> None:
        """Raise InvalidEvent if the brackets to come cannot start with so many configurations."""
        room = 0
        for iteration in range(self.started_brackets, plan.settings.iterations):
            room += plan.room(iteration)
            if room >= waiting:
                return
        raise InvalidEvent(
            f"{waiting} added configurations wait, and brackets that have not started have room "
            f"for {room}: extend the study by more brackets"
        )

    def _begin_bracket(self, number: int) -> None:
        """Count a bracket when its first trial starts; it starts with the configurations added."""
        if number >= self.started_brackets:
            self.started_brackets = number + 1
            del self._waiting[: self.plan.room(number)]

    def _finish(self, key: Key, result: TrialResult, time: float) -> None:
        """Finish a pending trial with a result."""
        trial = self.pending_trial(key)

        del self.pending[key]
        self.records[key] = replace(self.records[key], finished_at=time)
        self.evaluations.append((trial, result))
        self._count(self.finished_on_rung, trial)

        if trial.id == BASELINE_ID:
            self.baseline = self._largest_baseline()
        if result.loss is not None and self._beats_incumbent(trial, result.loss):
            self.incumbent = (trial, result)

    def retry(self, event: Event) -> None:
        """Start the next attempt at a pending trial, whose last attempt was lost."""
        key = _key(event)
        trial = self.pending_trial(key)
        if event["attempt"] != trial.attempt + 1:
            raise InvalidEvent(f"attempt is {event['attempt']}, expected {trial.attempt + 1}")
        self.pending[key] = replace(trial, attempt=event["attempt"])
        self.retries.append(Retry(trial, event["time"], event["reason"]))

    def retry_crash(self, event: Event) -> None:
        """Make a crashed trial pending again; its crash and its attempts are discarded."""
        self._decide(event)
        key = _key(event)
        place = self._place_of_crash(key)

        del self.evaluations[place]
        self.pending[key] = self.trials[key]
        self.records[key] = replace(self.records[key], finished_at=None)
        self._count(self.finished_on_rung, self.trials[key], -1)

        if key[0] == BASELINE_ID:
            self.baseline = self._largest_baseline()

    def reach_stop(self, event: Event) -> None:
        """Start no further trial; what is pending is finished."""
        if self.stop_reached is not None:
            raise InvalidEvent(f"its stop rule {self.stop_reached.rule} was reached before")
        self.stop_reached = StopReached(event["time"], event["rule"], event["reason"])

    def next_replicate(self) -> Replicate | None:
        """The replicate to start next; None: there is nothing to replicate."""
        largest = self.plan.settings.max_budget
        trial = most_wanted(self.evaluations, largest, self._replicated)
        return None if trial is None else self._replicate_of(trial)

    def replicate(self, event: Event) -> None:
        """Start a replicate of a finished trial."""
        key = _key(event)
        trial = self.trials.get(key)
        if trial is None or key in self.pending:
            raise InvalidEvent(f"trial {list(key[0])} at budget {key[1]} has not finished")
        replicate = self._replicate_of(trial)
        if event["number"] != replicate.number:
            raise InvalidEvent(f"number is {event['number']}, expected {replicate.number}")
        self._replicated[key] += 1
        self.pending_replicates[*key, replicate.number] = replicate

    def tell_replicate(self, event: Event) -> None:
        """Finish a pending replicate."""
        key = *_key(event), event["number"]
        result = TrialResult(event["loss"], event["info"], event["exception"], event["timestamps"])
        self.replicates.append((self.pending_replicate(key), result))
        del self.pending_replicates[key]

    def pending_replicate(self, key: ReplicateKey) -> Replicate:
        """The pending replicate with this key. Raises InvalidEvent if it is not pending."""
        if key not in self.pending_replicates:
            raise InvalidEvent(f"no replicate {key[2]} of {list(key[0])} at {key[1]} is pending")
        return self.pending_replicates[key]

    def losses_of(self, trial: Trial, loss: float) -> list[float]:
        """The loss of a trial, then those of its replicates."""
        again = (
            result.loss
            for one, result in self.replicates
            if (one.id, one.budget) == (trial.id, trial.budget)
        )
        return [loss, *(one for one in again if one is not None)]

    def _replicate_of(self, trial: Trial) -> Replicate:
        number = self._replicated[trial.id, trial.budget] + 1
        seed = confirmation_seed(self._settings.seed, number - 1)
        return Replicate(trial.id, trial.budget, number, trial.config, seed)

    def pending_trial(self, key: Key) -> Trial:
        """The pending trial with this key. Raises InvalidEvent if it is not pending."""
        if key in self.pending:
            return self.pending[key]
        reason = "has already finished" if key in self.trials else "has not started"
        raise InvalidEvent(f"trial {list(key[0])} at budget {key[1]} {reason}")

    def crashed(self, key: Key) -> Trial:
        """The crashed trial with this key. Raises InvalidEvent if it did not crash."""
        return self.evaluations[self._place_of_crash(key)][0]

    def _place_of_crash(self, key: Key) -> int:
        for place, (trial, result) in enumerate(self.evaluations):
            if (trial.id, trial.budget) == key and result.crashed:
                return place
        raise InvalidEvent(f"trial {list(key[0])} at budget {key[1]} did not crash")

    def _decide(self, event: Event) -> None:
        """Check the number of a decision, and count it."""
        if event["seq"] != self.seq:
            raise InvalidEvent(f"seq is {event['seq']}, expected {self.seq}")
        self.seq += 1

    def _largest_baseline(self) -> tuple[Trial, TrialResult] | None:
        """The default's evaluation at the largest budget at which it has finished."""
        found = [pair for pair in self.evaluations if pair[0].id == BASELINE_ID]
        return max(found, key=lambda pair: pair[0].budget, default=None)

    def _count(
        self, counts: dict[tuple[int, int | float], int], trial: Trial, change: int = 1
    ) -> None:
        rung = (bracket_of(self._settings, trial.id), trial.budget)
        counts[rung] = counts.get(rung, 0) + change

    def _beats_incumbent(self, trial: Trial, loss: float) -> bool:
        if self.incumbent is None:
            return True
        best_trial, best = self.incumbent
        assert best.loss is not None
        return bool(beats(trial.budget, loss, best_trial.budget, best.loss))


def _key(event: Event) -> Key:
    return tuple(event["id"]), event["budget"]
