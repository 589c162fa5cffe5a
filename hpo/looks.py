"""Sequential rules of a confirmation, and the looks that they allow.

A rule says, before a tuned setting has any run, after how many seeds it will be compared with the
default. Its runs are planned look by look, so nobody can look more often than the rule says.
"""

from __future__ import annotations

from dataclasses import dataclass

from oneshot_hpo.hpo.errors import InvalidEvent
from oneshot_hpo.hpo.journal.events import BOOLEAN, COUNT, NUMBER, TEXT, Event, Kind, exactly

RULE, LOOK = "rule", "look"

SEEDS = Kind(lambda v: COUNT.test(v) and v <= 10**5, "a whole number up to 100,000")
_SHARE = Kind(lambda v: NUMBER.test(v) and 0 < v < 1, "a number above 0 and below 1")
_P_VALUE = Kind(lambda v: NUMBER.test(v) and 0 <= v <= 1, "a number from 0 to 1")
_LOOKS = Kind(
    lambda v: (
        isinstance(v, list)
        and len(v) > 0
        and all(map(SEEDS.test, v))
        and all(one < other for one, other in zip([0, *v], v, strict=False))
    ),
    "a list of ascending numbers of seeds",
)

RULE_KEYS = {
    "format": exactly(6),
    "setting": TEXT,
    "spending": TEXT,
    "alpha": _SHARE,
    "looks": _LOOKS,
}
LOOK_KEYS = {
    "format": exactly(6),
    "setting": TEXT,
    "seeds": SEEDS,
    "p_value": _P_VALUE,
    "decided": BOOLEAN,
}


@dataclass(frozen=True)
class SequentialRule:
    """When a tuned setting is compared with the default, set before its first run."""

    spending: str
    """How the level is shared between looks; its meaning is not known here."""
    alpha: float
    """The level of all looks together."""
    looks: tuple[int, ...]
    """Number of seeds at each look, ascending; the last is the most."""


@dataclass(frozen=True)
class Look:
    """One comparison of a tuned setting with the default by a rule."""

    seeds: int
    """Seeds of both that it compares."""
    p_value: float
    """Of the test of these seeds alone."""
    decided: bool
    """Whether no more seeds are needed."""


class Looks:
    """The rules of a confirmation's settings, and the looks so far; a part of its state."""

    def __init__(self) -> None:
        self.rules: dict[str, SequentialRule] = {}
        """By setting."""
        self.taken: dict[str, list[Look]] = {}
        """By setting, in order."""

    def following(self, name: str) -> int | None:
        """Seeds at the next look at a setting; None: it has no rule, or the rule has ended."""
        rule, taken = self.rules.get(name), self.taken.get(name, [])
        if rule is None or (taken and taken[-1].decided) or len(taken) == len(rule.looks):
            return None
        return rule.looks[len(taken)]

    def paid(self, name: str) -> int:
        """The most seeds that the rule of a setting allows now."""
        due = self.following(name)
        return self.taken[name][-1].seeds if due is None else due

    def check_plan(self, name: str, seeds: int) -> None:
        """Raise InvalidEvent if the rule of a setting, if any, does not allow so many seeds now."""
        if name in self.rules and seeds > self.paid(name):
            raise InvalidEvent(f"the rule of {name} allows {self.paid(name)} seeds now")

    def set_rule(self, event: Event) -> None:
        """Apply a rule. Raises InvalidEvent if the setting has one."""
        name = event["setting"]
        if name in self.rules:
            raise InvalidEvent(f"{name} has a rule already")
        looks = tuple(event["looks"])
        self.rules[name] = SequentialRule(event["spending"], event["alpha"], looks)

    def take(self, event: Event) -> None:
        """Apply a look. Raises InvalidEvent if it is not the next one."""
        name, seeds = event["setting"], event["seeds"]
        due = self.following(name)
        if seeds != due:
            expected = "no look is left" if due is None else f"the next is at {due}"
            raise InvalidEvent(f"a look at {name} with {seeds} seeds: {expected}")
        look = Look(seeds, event["p_value"], event["decided"])
        self.taken.setdefault(name, []).append(look)
