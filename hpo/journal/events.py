"""Kinds of journal events: their keys, the types of the values, and the effect on the state."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from oneshot_hpo.hpo.errors import InvalidEvent

Event = dict[str, Any]


class Note(NamedTuple):
    """A change of environment that a journal notes."""

    time: float
    """When it was noted, in seconds since 1970."""
    environment: dict[str, Any]
    """Opaque to this package."""


class Kind(NamedTuple):
    """The type of a value in an event."""

    test: Callable[[Any], bool]
    description: str


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _is_number(value: Any) -> bool:
    return (isinstance(value, float) and math.isfinite(value)) or (
        isinstance(value, int) and not isinstance(value, bool)
    )


def _is_observation(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"config", "budget", "loss"}
        and OBJECT.test(value["config"])
        and BUDGET.test(value["budget"])
        and LOSS.test(value["loss"])
    )


def _is_trial(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and value.keys() == {"id", "budget"}
        and TRIAL_ID.test(value["id"])
        and BUDGET.test(value["budget"])
    )


def _is_trial_id(value: Any) -> bool:
    if not isinstance(value, list) or [type(n) for n in value] != [int, int, int]:
        return False
    return value == [-1, 0, 0] or min(value) >= 0


COUNT = Kind(_is_count, "a whole number from 0")
NUMBER = Kind(_is_number, "a finite number")
LOSS = Kind(lambda v: v is None or _is_number(v), "a finite number or null")
BUDGET = Kind(lambda v: _is_number(v) and v > 0, "a number above 0")
BUDGET_OR_NULL = Kind(lambda v: v is None or BUDGET.test(v), "a number above 0, or null")
TRIAL_ID = Kind(_is_trial_id, "three whole numbers")
OBJECT = Kind(lambda v: isinstance(v, dict), "an object")
TEXT = Kind(lambda v: isinstance(v, str), "a string")
TEXT_OR_NULL = Kind(lambda v: v is None or isinstance(v, str), "a string or null")
TIMES = Kind(
    lambda v: isinstance(v, dict) and all(map(_is_number, v.values())), "an object of numbers"
)

OBJECTS = Kind(lambda v: isinstance(v, list) and all(map(OBJECT.test, v)), "a list of objects")
TRIALS = Kind(
    lambda v: isinstance(v, list) and all(map(_is_trial, v)),
    "a list of objects with id and budget",
)
OBSERVATIONS = Kind(
    lambda v: isinstance(v, list) and all(map(_is_observation, v)),
    "a list of objects with config, budget and loss",
)
BOOLEAN = Kind(lambda v: isinstance(v, bool), "true or false")


def exactly(value: Any) -> Kind:
    """The type of a key with a single allowed value."""
    return Kind(lambda v: type(v) is type(value) and v == value, repr(value))


def keep_note(state: Any, event: Event) -> None:
    """Append a note to `state.noted`; a note changes no decision."""
    state.noted.append(Note(event["time"], event["environment"]))


def _nothing(state: Any, event: Event) -> None:
    """A header changes no state: it is read before the state exists."""


@dataclass(frozen=True)
class EventKind:
    """One kind of event. To add a kind to a journal, add an entry to its table of kinds."""

    keys: Mapping[str, Kind]
    """Keys of an event of this kind and their types, in addition to `event` and `time`."""
    apply: Callable[[Any, Event], None] = _nothing
    """Updates the state with an event; raises InvalidEvent if the event is not valid there."""
    replay: Callable[[Any, Any, Event], None] | None = None
    """Repeats the optimizer's decision, given (optimizer, state, event). None: no decision.

    An event that is a decision has its number in the key `seq`; an extension has none, so that
    the decisions after it are those of a study that was launched with it. The state already
    includes the event. Raises InvalidEvent if the optimizer decides otherwise.
    """
    since: int = 1
    """The first format of the journal that has this kind.

    An event of a kind added in format 4 or later carries that format in its key `format`. It can
    then be appended to a journal whose header has an older format, and a version that does not know
    the kind can name the format that it needs.
    """

    @property
    def decides(self) -> bool:
        """Whether the optimizer depends on events of this kind."""
        return self.replay is not None


Kinds = Mapping[str, EventKind]
"""The kinds of events that a journal may hold, by name; its first line is a `header`."""

NOTE = EventKind({"text": TEXT, "environment": OBJECT}, keep_note)
"""A remark for later readers, for example that the environment has changed."""


def check_event(event: Event, kinds: Kinds) -> None:
    """Raise InvalidEvent unless an event has exactly the keys of its kind, with the right types.

    `time` is optional and not checked.
    """
    name = event.get("event")
    if not isinstance(name, str) or name not in kinds:
        raise InvalidEvent(f"unknown event {name!r}")
    keys = kinds[name].keys
    if missing := [key for key in keys if key not in event]:
        raise InvalidEvent(f"{name} lacks {', '.join(sorted(missing))}")
    if unknown := [key for key in event if key not in keys and key not in ("event", "time")]:
        raise InvalidEvent(f"{name} has unknown keys: {', '.join(sorted(unknown))}")
    for key, kind in keys.items():
        if not kind.test(event[key]):
            raise InvalidEvent(f"{key} of {name} must be {kind.description}")
