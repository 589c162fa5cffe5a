"""The state of a study as a fold over its journal's events."""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from hpo.brackets import bracket, planned_evaluations
from hpo.errors import CorruptJournal, InvalidEvent
from hpo.events import Event
from hpo.journal import JOURNAL_NAME, read_journal
from hpo.randomness import trial_seed
from hpo.settings import OptimizerSettings
from hpo.trial import BASELINE_ID, Observation, Trial, TrialId, TrialResult

Key = tuple[TrialId, int | float]


@dataclass(frozen=True)
class RungState:
    """How far one rung of a bracket is."""

    budget: int | float
    """Budget of its runs."""
    planned: int
    """How many runs it will have."""
    asked: int
    """How many of them were started, finished ones included."""
    told: int
    """How many of them are finished."""


@dataclass(frozen=True)
class BracketState:
    """How far a bracket is."""

    iteration: int
    """Its number, from 0."""
    rungs: tuple[RungState, ...]
    """Lowest budget first."""


@dataclass(frozen=True)
class TrialRecord:
    """What the journal says of a trial beside its result."""

    info: dict[str, Any]
    """How its configuration was found: {"model_based_pick": whether the model proposed it}."""
    asked: float
    """When it was asked for, in seconds since the epoch."""
    told: float | None = None
    """When its result was told."""


class StudyView:
    """A study as its journal tells it, read-only."""

    def __init__(self, path: Path, header: Event) -> None:
        """`header` is line 1 of the journal at `path`; CorruptJournal if its settings cannot be."""
        self._path = path
        self._header = header
        try:
            self._settings = OptimizerSettings(**header["optimizer"])
        except (TypeError, ValueError) as error:
            raise CorruptJournal(path, 1, f"optimizer of header: {error}") from None
        self._seq = 0
        self._asked: dict[Key, Trial] = {}
        self._pending: dict[Key, Trial] = {}
        self._records: dict[Key, TrialRecord] = {}
        self._evaluations: list[tuple[Trial, TrialResult]] = []
        self._asked_on_rung: dict[tuple[int, int | float], int] = {}
        self._told_on_rung: dict[tuple[int, int | float], int] = {}
        self._incumbent: tuple[Trial, TrialResult] | None = None
        self._baseline: tuple[Trial, TrialResult] | None = None

    @property
    def header(self) -> dict:
        """What the study was created with: its frozen specification and versions."""
        return self._header["study"]

    @property
    def settings(self) -> OptimizerSettings:
        """The optimizer's settings."""
        return self._settings

    @cached_property
    def space(self) -> ConfigurationSpace:
        """The configuration space. Raises CorruptJournal when the header's cannot be read."""
        try:
            # A copy, for ConfigSpace takes the dictionary apart.
            return ConfigurationSpace.from_serialized_dict(copy.deepcopy(self._header["space"]))
        except Exception as error:  # whatever ConfigSpace raises for what is not a space
            raise CorruptJournal(self._path, 1, f"space of header: {error!r}") from None

    @property
    def prior(self) -> list[Observation]:
        """What the model knew before the first trial, from an earlier run."""
        return [Observation(**observation) for observation in self._header["prior"]]

    @property
    def pending(self) -> list[Trial]:
        """Trials asked for and not told yet, in the order of asking."""
        return list(self._pending.values())

    @property
    def evaluations(self) -> Sequence[tuple[Trial, TrialResult]]:
        """Trials with their results, in the order of telling; it grows with the study."""
        return self._evaluations

    def record(self, trial: Trial) -> TrialRecord:
        """What the journal says of a trial that was asked for."""
        return self._records[trial.id, trial.budget]

    @property
    def incumbent(self) -> tuple[Trial, TrialResult] | None:
        """The lowest loss at the largest budget that has one; of equals, the first told."""
        return self._incumbent

    @property
    def baseline(self) -> tuple[Trial, TrialResult] | None:
        """The default configuration at the largest budget, once it is told."""
        return self._baseline

    @property
    def brackets(self) -> list[BracketState]:
        """All brackets of the study, begun or not; the baseline is in none."""
        return [
            BracketState(
                i,
                tuple(
                    RungState(
                        rung.budget,
                        rung.size,
                        self._asked_on_rung.get((i, rung.budget), 0),
                        self._told_on_rung.get((i, rung.budget), 0),
                    )
                    for rung in bracket(self._settings, i)
                ),
            )
            for i in range(self._settings.iterations)
        ]

    @cached_property
    def total_evaluations(self) -> int:
        """Evaluations of the finished study: the baseline and all runs of all brackets."""
        return 1 + planned_evaluations(self._settings)

    @property
    def finished(self) -> bool:
        """Whether everything planned is told."""
        return len(self._evaluations) == self.total_evaluations

    def _fold(self, events: list[Event]) -> None:
        """Replays the events after the header; CorruptJournal names the line that cannot be."""
        rest = deque(events)
        events.clear()  # an event that is replayed is let go: a long journal has many
        rest.popleft()
        for line in range(2, len(rest) + 2):
            try:
                self._replay(rest.popleft())
            except InvalidEvent as error:
                raise CorruptJournal(self._path, line, str(error)) from None

    def _replay(self, event: Event) -> None:
        self._apply(event)

    def _apply(self, event: Event) -> None:
        """Moves the state on by one event. Raises InvalidEvent if it cannot be."""
        if event["event"] == "note":
            return  # decides nothing
        trial_id: TrialId = tuple(event["id"])
        key = (trial_id, event["budget"])
        if event["event"] != "retry" and event["seq"] != self._seq:
            raise InvalidEvent(f"seq is {event['seq']} where {self._seq} is next")
        match event["event"]:
            case "ask":
                self._apply_ask(key, event)
            case "tell":
                self._apply_tell(self._pending_trial(key), event)
            case "retry":
                self._apply_retry(self._pending_trial(key), event)

    def _pending_trial(self, key: Key) -> Trial:
        if key in self._pending:
            return self._pending[key]
        state = "told already" if key in self._asked else "not asked for"
        raise InvalidEvent(f"trial {list(key[0])} at budget {key[1]} was {state}")

    def _apply_ask(self, key: Key, event: Event) -> None:
        trial_id, budget = key
        if key in self._asked:
            raise InvalidEvent(f"trial {list(trial_id)} at budget {budget} was asked for already")
        seed = trial_seed(self._settings.seed, trial_id, budget)
        trial = Trial(trial_id, budget, event["config"], event["seq"], attempt=0, seed=seed)
        self._asked[key] = self._pending[key] = trial
        self._records[key] = TrialRecord(event["info"], asked=event["time"])
        _count(self._asked_on_rung, trial)
        self._seq += 1

    def _apply_tell(self, trial: Trial, event: Event) -> None:
        result = TrialResult(event["loss"], event["info"], event["exception"], event["timestamps"])
        key = (trial.id, trial.budget)
        del self._pending[key]
        self._records[key] = replace(self._records[key], told=event["time"])
        self._evaluations.append((trial, result))
        _count(self._told_on_rung, trial)
        if trial.id == BASELINE_ID:
            self._baseline = (trial, result)
        if result.loss is not None and self._beats_incumbent(trial, result.loss):
            self._incumbent = (trial, result)
        self._seq += 1

    def _apply_retry(self, trial: Trial, event: Event) -> None:
        if event["attempt"] != trial.attempt + 1:
            raise InvalidEvent(f"attempt is {event['attempt']} where {trial.attempt + 1} is next")
        again = Trial(trial.id, trial.budget, trial.config, trial.seq, event["attempt"], trial.seed)
        self._pending[trial.id, trial.budget] = again

    def _beats_incumbent(self, trial: Trial, loss: float) -> bool:
        if self._incumbent is None:
            return True
        best_trial, best = self._incumbent
        if trial.budget != best_trial.budget:
            return trial.budget > best_trial.budget
        return best.loss is None or loss < best.loss


def _count(counts: dict[tuple[int, int | float], int], trial: Trial) -> None:
    rung = (trial.id[0], trial.budget)
    counts[rung] = counts.get(rung, 0) + 1


def read_study(folder: Path) -> StudyView:
    """The study in `folder` as its journal stands, without its lock; a torn last line is ignored.

    Raises StudyNotFound, NewerJournal or CorruptJournal. Whether the optimizer would have asked for
    these trials is not checked: `Study.open` does that.
    """
    path = Path(folder) / JOURNAL_NAME
    events, _ = read_journal(path)
    view = StudyView(path, events[0])
    view._fold(events)
    return view
