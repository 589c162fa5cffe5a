"""A confirmation: settings run again with fresh seeds; its state is a fold over its journal.

A setting is a configuration with a name. Seed number k is shared by all settings, so results can be
compared in pairs. The runs follow from the plan. Results change it in one case: a sequential rule
says in advance after how many seeds the tuned setting is compared with the default, and more seeds
are planned only until a look decides.
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
    Kinds,
    Note,
)
from oneshot_hpo.hpo.journal.file import read_journal
from oneshot_hpo.hpo.looks import (
    LOOK,
    LOOK_KEYS,
    RULE,
    RULE_KEYS,
    SEEDS,
    Look,
    Looks,
    SequentialRule,
)
from oneshot_hpo.hpo.randomness import confirmation_seed
from oneshot_hpo.hpo.trial import TrialResult

CONFIRMATION_NAME = "confirmation.jsonl"
DEFAULT = "default"
"""The name of the study's default configuration; the incumbent has the name of its trial."""

_Key = tuple[str, int]


@dataclass(frozen=True)
class Setting:
    """A configuration that is run with several seeds."""

    name: str
    """Its name in the confirmation."""
    config: dict[str, Any]
    """Its values by hyperparameter."""
    seeds: int
    """Number of seeds: it is run with seeds number 0 to seeds - 1."""
    was_tuned: bool = False
    """Whether it was the study's incumbent when it was planned."""


@dataclass(frozen=True)
class Rerun:
    """One setting with one seed."""

    setting: str
    """The name of the setting."""
    number: int
    """Number of the seed, from 0."""
    config: dict[str, Any]
    """The setting's values by hyperparameter."""
    budget: int | float
    """The study's largest budget."""
    seed: int
    """The seed of its evaluation, shared by all settings and attempts with this number."""
    attempt: int = 0
    """Number of earlier attempts, whose worker or connection was lost."""

    @property
    def key(self) -> str:
        """`<setting>/<number>`, unique in the confirmation; also the name of its folder."""
        return f"{self.setting}/{self.number}"


class ConfirmationView:
    """A read-only view of a confirmation, from its journal."""

    def __init__(self, path: Path, header: Event) -> None:
        self._path = path
        self._header = header
        self._settings: dict[str, Setting] = {}
        self._tuned: str | None = None
        self._started: set[_Key] = set()
        self._pending: dict[_Key, Rerun] = {}
        self._evaluations: list[tuple[Rerun, TrialResult]] = []
        self._looks = Looks()
        self.noted: list[Note] = []
        """Its notes, in order."""

    @property
    def header(self) -> dict[str, Any]:
        """The study's frozen specification and versions."""
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
        """Runs that have started and not finished, in the order of their start."""
        return list(self._pending.values())

    @property
    def evaluations(self) -> list[tuple[Rerun, TrialResult]]:
        """Runs with their results, in the order in which they finished."""
        return list(self._evaluations)

    @property
    def notes(self) -> list[dict[str, Any]]:
        """Environments in its notes, in order; opaque to this package."""
        return [note.environment for note in self.noted]

    @property
    def total_evaluations(self) -> int:
        """Number of runs that are planned or have started."""
        return len(
            self._started | {(s.name, k) for s in self._open_settings for k in range(s.seeds)}
        )

    @property
    def finished(self) -> bool:
        """Whether every planned run has finished, and a rule, if there is one, has ended."""
        ended = self.rule is None or self.next_look is None
        return ended and len(self._evaluations) == self.total_evaluations

    @property
    def rule(self) -> SequentialRule | None:
        """The rule of the tuned setting; None: it has a fixed number of seeds."""
        return None if self._tuned is None else self._looks.rules.get(self._tuned)

    @property
    def rules(self) -> dict[str, SequentialRule]:
        """The rules by setting, also of former incumbents."""
        return dict(self._looks.rules)

    @property
    def looks(self) -> list[Look]:
        """The looks at the tuned setting so far, in order."""
        return list(self._looks.taken.get(self._tuned or "", ()))

    @property
    def next_look(self) -> int | None:
        """Seeds at the next look at the tuned setting; None: there is none, or no more."""
        return None if self._tuned is None else self._looks.following(self._tuned)

    def paid_seeds(self, name: str) -> int:
        """The most seeds that the rule of a setting, which it has to have, allows now."""
        return self._looks.paid(name)

    def has_results(self, name: str, seeds: int) -> bool:
        """Whether a setting's runs with seeds number 0 to seeds - 1 have finished."""
        return all((name, k) in self._started - self._pending.keys() for k in range(seeds))

    def results_of(self, name: str) -> dict[int, tuple[Rerun, TrialResult]]:
        """Finished runs of a setting with their results, by number of the seed."""
        finished = [(run, result) for run, result in self._evaluations if run.setting == name]
        return {run.number: (run, result) for run, result in sorted(finished, key=_number)}

    @property
    def _open_settings(self) -> list[Setting]:
        """Settings that may have more runs; former incumbents have none."""
        return [
            setting
            for name, setting in self._settings.items()
            if name in (DEFAULT, self._tuned) or not setting.was_tuned
        ]

    def _next(self) -> _Key | None:
        """Key of the next run: all settings with one seed come before the next seed."""
        settings = self._open_settings
        for number in range(max((setting.seeds for setting in settings), default=0)):
            for setting in settings:
                if number < setting.seeds and (setting.name, number) not in self._started:
                    return setting.name, number
        return None

    def _fold(self, events: list[Event]) -> None:
        for line, event in enumerate(events[1:], start=2):
            try:
                self._apply(event)
            except InvalidEvent as error:
                raise CorruptJournal(self._path, line, str(error)) from None

    def _apply(self, event: Event) -> None:
        """Update the state with an event. Raises InvalidEvent."""
        EVENTS[event["event"]].apply(self, event)

    def _apply_plan(self, event: Event) -> None:
        name = event["setting"]
        before = self._settings.get(name)
        if before is not None and (
            before.config != event["config"] or event["seeds"] < before.seeds
        ):
            raise InvalidEvent(
                f"{name} was planned before with another configuration or more seeds"
            )
        self._looks.check_plan(name, event["seeds"])
        was_tuned = event["tuned"] or (before is not None and before.was_tuned)
        self._settings[name] = Setting(name, event["config"], event["seeds"], was_tuned)
        if event["tuned"]:
            self._tuned = name

    def _apply_rule(self, event: Event) -> None:
        if event["setting"] in self._settings:
            raise InvalidEvent(f"{event['setting']} was planned before its rule")
        self._looks.set_rule(event)

    def _apply_look(self, event: Event) -> None:
        name, seeds = event["setting"], event["seeds"]
        if not all(self.has_results(one, seeds) for one in (DEFAULT, name)):
            raise InvalidEvent(f"a look at {name} before all runs with {seeds} seeds have finished")
        self._looks.take(event)

    def _apply_ask(self, event: Event) -> None:
        key = name, number = _key(event)
        if key != self._next():
            raise InvalidEvent(f"{name} with seed number {number} is not next")
        seed = confirmation_seed(self._header["seed"], number)
        if event["seed"] != seed:
            raise InvalidEvent(f"seed is {event['seed']}, expected {seed}")
        config = self._settings[name].config
        self._pending[key] = Rerun(name, number, config, self.budget, seed)
        self._started.add(key)

    def _apply_tell(self, event: Event) -> None:
        key = _key(event)
        result = TrialResult(event["loss"], event["info"], event["exception"], event["timestamps"])
        self._evaluations.append((self._pending_run(key), result))
        del self._pending[key]

    def _apply_retry(self, event: Event) -> None:
        run = self._pending_run(_key(event))
        if event["attempt"] != run.attempt + 1:
            raise InvalidEvent(f"attempt is {event['attempt']}, expected {run.attempt + 1}")
        self._pending[_key(event)] = replace(run, attempt=event["attempt"])

    def _pending_run(self, key: _Key) -> Rerun:
        if key in self._pending:
            return self._pending[key]
        reason = "has already finished" if key in self._started else "has not started"
        raise InvalidEvent(f"{key[0]} with seed number {key[1]} {reason}")


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
    RULE: EventKind(RULE_KEYS, ConfirmationView._apply_rule, since=6),
    LOOK: EventKind(LOOK_KEYS, ConfirmationView._apply_look, since=6),
}
"""Kinds of a confirmation's events. None is the optimizer's decision."""


def has_confirmation(folder: Path) -> bool:
    """Whether a confirmation was begun in `folder`."""
    return (Path(folder) / CONFIRMATION_NAME).exists()


def read_confirmation(folder: Path) -> ConfirmationView:
    """Read the confirmation in `folder`, without its lock.

    Raises StudyNotFound, NewerJournal or CorruptJournal.
    """
    path = Path(folder) / CONFIRMATION_NAME
    events, _ = read_journal(path, EVENTS)
    view = ConfirmationView(path, events[0])
    view._fold(events)
    return view


def _key(event: Event) -> _Key:
    return event["setting"], event["number"]


def _number(evaluation: tuple[Rerun, TrialResult]) -> int:
    return evaluation[0].number
