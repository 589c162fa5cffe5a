"""What the events of a journal may hold: the keys of each, and of what kind their values are."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from hpo.errors import InvalidEvent

Event = dict[str, Any]


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

Kinds = Mapping[str, Mapping[str, Kind]]
"""The keys of each event that a journal may hold; `header` is its first."""

NOTE = {"text": TEXT, "environment": OBJECT}
"""The work goes on in another environment."""

EVENTS: Kinds = {
    "header": {
        "format": COUNT,
        "study": OBJECT,
        "optimizer": OBJECT,
        "space": OBJECT,
        "prior": OBSERVATIONS,
    },
    "ask": {"seq": COUNT, "id": TRIAL_ID, "budget": BUDGET, "config": OBJECT, "info": OBJECT},
    "tell": {
        "seq": COUNT,
        "id": TRIAL_ID,
        "budget": BUDGET,
        "loss": LOSS,
        "info": OBJECT,
        "exception": TEXT_OR_NULL,
        "timestamps": TIMES,
    },
    "retry": {"id": TRIAL_ID, "budget": BUDGET, "attempt": COUNT, "reason": TEXT},
    "note": NOTE,
}
"""A study's events; in a journal each has `time` as well, in seconds since the epoch."""


def check_event(event: Event, kinds: Kinds = EVENTS) -> None:
    """Raises InvalidEvent unless an event has its keys, each of its kind, and no other but `time`.

    `time` itself is not checked.
    """
    name = event.get("event")
    if not isinstance(name, str) or name not in kinds:
        raise InvalidEvent(f"unknown event {name!r}")
    keys = kinds[name]
    if missing := keys.keys() - event.keys():
        raise InvalidEvent(f"{name} without {', '.join(sorted(missing))}")
    if unknown := event.keys() - keys.keys() - {"event", "time"}:
        raise InvalidEvent(f"{name} with unknown {', '.join(sorted(unknown))}")
    for key, kind in keys.items():
        if not kind.test(event[key]):
            raise InvalidEvent(f"{key} of {name} must be {kind.words}")
