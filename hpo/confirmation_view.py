"""Settings searched again with fresh seeds, paired by seed: state as a fold over a journal.

A setting is a configuration with a name. Seed number k is the same for every setting, so that what
two settings reach can be compared pair by pair. Nothing is decided by what comes out: what is to be
run follows from the plan alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from oneshot_hpo.hpo.errors import CorruptJournal, InvalidEvent
from oneshot_hpo.hpo.journal.events import (
    BOOLEAN,
    BUDGET,
    COUNT,
    LOSS,
    NOTE,
    OBJECT,
    TEXT,
    TEXT_OR_NULL,
    TIMES,
    Event,
    EventKind,
    Kind,
    Kinds,
)
from oneshot_hpo.hpo.journal.file import read_journal
from oneshot_hpo.hpo.randomness import confirmation_seed
from oneshot_hpo.hpo.trial import TrialResult

CONFIRMATION_NAME = "confirmation.jsonl"
DEFAULT = "default"
"""The name of the study's default configuration; the incumbent's is that of its trial."""

SEEDS = Kind(lambda v: COUNT.test(v) and v <= 10**5, "a whole number up to 100,000")

_Key = tuple[str, int]


@dataclass(frozen=True)
class Setting:
    """A configuration that is searched with several seeds."""

    name: str
    """Its name in the confirmation."""
    config: dict[str, Any]
    """Its values by hyperparameter."""
    seeds: int
    """It is run with seeds number 0 to seeds - 1."""
    was_tuned: bool = False
    """Whether it was the study's incumbent when it was planned."""


@dataclass(frozen=True)
class Rerun:
    """One setting with one seed."""

    setting: str
    """The name of the setting."""
    number: int
    """Which of the seeds, from 0."""
    config: dict[str, Any]
    """The setting's values by hyperparameter."""
    budget: int | float
    """The study's largest budget."""
    seed: int
    """The seed for whatever evaluates it; that of this number for every setting and attempt."""
    attempt: int = 0
    """How often its infrastructure was lost before."""

    @property
    def key(self) -> str:
        """`<setting>/<number>`, unique in the confirmation and fit for a folder."""
        return f"{self.setting}/{self.number}"


class ConfirmationView:
    """A confirmation as its journal tells it, read-only."""

    def __init__(self, path: Path, header: Event) -> None:
        self._path = path
        self._header = header
        self._settings: dict[str, Setting] = {}
        self._tuned: str | None = None
        self._asked: set[_Key] = set()
        self._pending: dict[_Key, Rerun] = {}
        self._evaluations: list[tuple[Rerun, TrialResult]] = []
        self.notes: list[dict[str, Any]] = []
        """What was noted of the environments of the work, in order; opaque to this package."""

    @property
    def header(self) -> dict[str, Any]:
        """What the study was created with: its frozen specification and versions."""
        study: dict[str, Any] = self._header["study"]
        return study

    @property
    def budget(self) -> int | float:
        """The budget of every run."""
        budget: int | float = self._header["budget"]
        return budget

    @property
    def tuned(self) -> str | None:
        """The setting that was the study's incumbent when last planned."""
        return self._tuned

    @property
    def settings(self) -> dict[str, Setting]:
        """Every setting by name, in the order in which they were planned."""
        return dict(self._settings)

    @property
    def pending(self) -> list[Rerun]:
        """Runs asked for and not told yet, in the order of asking."""
        return list(self._pending.values())

    @property
    def evaluations(self) -> list[tuple[Rerun, TrialResult]]:
        """Runs with their results, in the order of telling."""
        return list(self._evaluations)

    @property
    def total_evaluations(self) -> int:
        """Runs that are planned or were asked for."""
        return len(self._asked | {(s.name, k) for s in self._wanted for k in range(s.seeds)})

    @property
    def finished(self) -> bool:
        """Whether everything planned is told."""
        return len(self._evaluations) == self.total_evaluations

    def results_of(self, name: str) -> dict[int, tuple[Rerun, TrialResult]]:
        """What was told of a setting, by number of the seed."""
        told = [(run, result) for run, result in self._evaluations if run.setting == name]
        return {run.number: (run, result) for run, result in sorted(told, key=_number)}

    @property
    def _wanted(self) -> list[Setting]:
        """Settings of which more may be run: not an incumbent that another one has followed."""
        return [
            setting
            for name, setting in self._settings.items()
            if name in (DEFAULT, self._tuned) or not setting.was_tuned
        ]

    def _next(self) -> _Key | None:
        """What is to be asked for next: all settings with a seed before the next seed."""
        wanted = self._wanted
        for number in range(max((setting.seeds for setting in wanted), default=0)):
            for setting in wanted:
                if number < setting.seeds and (setting.name, number) not in self._asked:
                    return setting.name, number
        return None

    def _fold(self, events: list[Event]) -> None:
        for line, event in enumerate(events[1:], start=2):
            try:
                self._apply(event)
            except InvalidEvent as error:
                raise CorruptJournal(self._path, line, str(error)) from None

    def _apply(self, event: Event) -> None:
        """Moves the state on by one event. Raises InvalidEvent if it cannot be."""
        EVENTS[event["event"]].apply(self, event)

    def _apply_plan(self, event: Event) -> None:
        name = event["setting"]
        before = self._settings.get(name)
        if before is not None and (
            before.config != event["config"] or event["seeds"] < before.seeds
        ):
            raise InvalidEvent(f"{name} was planned with another configuration, or more seeds")
        was_tuned = event["tuned"] or (before is not None and before.was_tuned)
        self._settings[name] = Setting(name, event["config"], event["seeds"], was_tuned)
        if event["tuned"]:
            self._tuned = name

    def _apply_ask(self, event: Event) -> None:
        key = name, number = _key(event)
        if key != self._next():
            raise InvalidEvent(f"{name} with seed number {number} is not next")
        seed = confirmation_seed(self._header["seed"], number)
        if event["seed"] != seed:
            raise InvalidEvent(f"seed is {event['seed']} where {seed} is next")
        config = self._settings[name].config
        self._pending[key] = Rerun(name, number, config, self.budget, seed)
        self._asked.add(key)

    def _apply_tell(self, event: Event) -> None:
        key = _key(event)
        result = TrialResult(event["loss"], event["info"], event["exception"], event["timestamps"])
        self._evaluations.append((self._pending_run(key), result))
        del self._pending[key]

    def _apply_retry(self, event: Event) -> None:
        run = self._pending_run(_key(event))
        if event["attempt"] != run.attempt + 1:
            raise InvalidEvent(f"attempt is {event['attempt']}, not {run.attempt + 1}")
        self._pending[_key(event)] = replace(run, attempt=event["attempt"])

    def _pending_run(self, key: _Key) -> Rerun:
        if key in self._pending:
            return self._pending[key]
        state = "told already" if key in self._asked else "not asked for"
        raise InvalidEvent(f"{key[0]} with seed number {key[1]} was {state}")


EVENTS: Kinds = {
    "header": EventKind({"format": COUNT, "study": OBJECT, "seed": COUNT, "budget": BUDGET}),
    "plan": EventKind(
        {"setting": TEXT, "config": OBJECT, "seeds": SEEDS, "tuned": BOOLEAN},
        ConfirmationView._apply_plan,
    ),
    "ask": EventKind(
        {"setting": TEXT, "number": COUNT, "seed": COUNT}, ConfirmationView._apply_ask
    ),
    "tell": EventKind(
        {
            "setting": TEXT,
            "number": COUNT,
            "loss": LOSS,
            "info": OBJECT,
            "exception": TEXT_OR_NULL,
            "timestamps": TIMES,
        },
        ConfirmationView._apply_tell,
    ),
    "retry": EventKind(
        {"setting": TEXT, "number": COUNT, "attempt": COUNT, "reason": TEXT},
        ConfirmationView._apply_retry,
    ),
    "note": NOTE,
}
"""A confirmation's events. None of them decides: what is run follows from the plan alone."""


def read_confirmation(folder: Path) -> ConfirmationView:
    """The confirmation in `folder` as its journal stands, without its lock.

    Raises StudyNotFound, NewerJournal or CorruptJournal.
    """
    path = Path(folder) / CONFIRMATION_NAME
    events, _ = read_journal(path, EVENTS)
    view = ConfirmationView(path, events[0])
    view._fold(events)
    return view


def _key(event: Event) -> _Key:
    return event["setting"], event["number"]


def _number(told: tuple[Rerun, TrialResult]) -> int:
    return told[0].number
