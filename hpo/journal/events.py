"""Kinds of events: the keys of each, of what type their values are, and what an event changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from oneshot_hpo.hpo.errors import InvalidEvent

Event = dict[str, Any]


class Note(NamedTuple):
    """What a journal notes of the environment in which the work continues."""

    time: float
    """When it was noted, in seconds since 1970."""
    environment: dict[str, Any]
    """Opaque to this package."""


class Kind(NamedTuple):
    """What a value in an event must be."""

    test: Callable[[Any], bool]
    words: str


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


def _is_trial_id(value: Any) -> bool:
    if not isinstance(value, list) or len(value) != 3 or any(type(n) is not int for n in value):
        return False
    return value == [-1, 0, 0] or min(value) >= 0


COUNT = Kind(_is_count, "a whole number from 0")
NUMBER = Kind(_is_number, "a finite number")
LOSS = Kind(lambda v: v is None or _is_number(v), "a finite number or null")
BUDGET = Kind(lambda v: _is_number(v) and v > 0, "a number above 0")
TRIAL_ID = Kind(_is_trial_id, "three whole numbers")
OBJECT = Kind(lambda v: isinstance(v, dict), "an object")
TEXT = Kind(lambda v: isinstance(v, str), "a string")
TEXT_OR_NULL = Kind(lambda v: v is None or isinstance(v, str), "a string or null")
TIMES = Kind(
    lambda v: isinstance(v, dict) and all(map(_is_number, v.values())), "an object of numbers"
)

OBSERVATIONS = Kind(
    lambda v: isinstance(v, list) and all(map(_is_observation, v)),
    "a list of objects with config, budget and loss",
)
BOOLEAN = Kind(lambda v: isinstance(v, bool), "true or false")


def exactly(value: Any) -> Kind:
    """The kind of a key that has one value only."""
    return Kind(lambda v: type(v) is type(value) and v == value, repr(value))


def keep_note(state: Any, event: Event) -> None:
    """A note decides nothing; what it says of the environment is kept in `state.noted`."""
    state.noted.append(Note(event["time"], event["environment"]))


def _nothing(state: Any, event: Event) -> None:
    """The header is read before there is a state."""


@dataclass(frozen=True)
class EventKind:
    """One kind of event. To add a kind to a journal, add one of these to its table."""

    keys: Mapping[str, Kind]
    """What an event of this kind holds, beside `event` and `time`."""
    apply: Callable[[Any, Event], None] = _nothing
    """Moves the journal's state on by an event; raises InvalidEvent if the event cannot follow."""
    replay: Callable[[Any, Any, Event], None] | None = None
    """Given (optimizer, state, event), lets the optimizer decide again. None: it decides nothing.

    An event that decides has the key `seq`, the number of the decision. The state has been moved on
    already. Raises InvalidEvent if the optimizer decides something else.
    """
    since: int = 1
    """The first format of the journal that has this kind.

    From format 4 on, an event of a later kind says so in its key `format`. So it may be appended to
    a journal whose header has an older format, and a version that does not know the kind can name
    the format that it needs.
    """

    @property
    def decides(self) -> bool:
        """Whether the optimizer depends on it."""
        return self.replay is not None


Kinds = Mapping[str, EventKind]
"""The kinds of events that a journal may hold, by name; `header` is its first."""

NOTE = EventKind({"text": TEXT, "environment": OBJECT}, keep_note)
"""Something to be remembered: say, that the work continues in another environment."""


def check_event(event: Event, kinds: Kinds) -> None:
    """Raises InvalidEvent unless an event has its keys, each of its type, and no other but `time`.

    `time` itself is not checked.
    """
    name = event.get("event")
    if not isinstance(name, str) or name not in kinds:
        raise InvalidEvent(f"unknown event {name!r}")
    keys = kinds[name].keys
    if missing := keys.keys() - event.keys():
        raise InvalidEvent(f"{name} without {', '.join(sorted(missing))}")
    if unknown := event.keys() - keys.keys() - {"event", "time"}:
        raise InvalidEvent(f"{name} with unknown {', '.join(sorted(unknown))}")
    for key, kind in keys.items():
        if not kind.test(event[key]):
            raise InvalidEvent(f"{key} of {name} must be {kind.words}")
