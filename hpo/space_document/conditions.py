"""When a hyperparameter is active: conditions on the values of others.

    - {child: cutout_length, parent: cutout_prob, greater_than: 0}
    - {child: cutout_length, any: [{parent: batch_size, in: [16, 32]},
                                   {all: [{parent: …, equals: …}, {parent: …, not_equals: …}]}]}

A child is active, and part of a configuration, where every entry that names it holds. An inactive
parent fulfils nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ConfigSpace import (
    AndConjunction,
    ConfigurationSpace,
    EqualsCondition,
    GreaterThanCondition,
    InCondition,
    LessThanCondition,
    NotEqualsCondition,
    OrConjunction,
)
from ConfigSpace.conditions import Condition, ConditionLike, Conjunction
from ConfigSpace.hyperparameters import Hyperparameter

from oneshot_hpo.hpo.errors import StudyError
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.suggestions import did_you_mean

_TESTS: dict[str, type[Condition]] = {
    "equals": EqualsCondition,
    "not_equals": NotEqualsCondition,
    "in": InCondition,
    "less_than": LessThanCondition,
    "greater_than": GreaterThanCondition,
}
_GROUPS: dict[str, type[Conjunction]] = {"all": AndConjunction, "any": OrConjunction}


def conditions_of(entries: Sequence[Any], space: ConfigurationSpace) -> list[ConditionLike]:
    """A condition for each child of the entries. StudyError, which says which entry, if wrong."""
    by_child: dict[str, list[ConditionLike]] = {}
    for number, entry in enumerate(entries, start=1):
        where = f"conditions, entry {number}"
        if not isinstance(entry, Mapping) or "child" not in entry:
            raise StudyError(f"{where}: must be {{child, parent, equals}} or the like")
        child = known_hyperparameter(entry["child"], space, where)
        rest = {key: value for key, value in entry.items() if key != "child"}
        by_child.setdefault(child.name, []).append(_condition(child, rest, space, where))
    _check_order({child: _parents(conditions) for child, conditions in by_child.items()})
    return [_joined("all", conditions) for conditions in by_child.values()]


def condition_entry(condition: ConditionLike) -> dict[str, Any]:
    """The entry that describes a condition."""
    return {"child": condition.child.name, **_entry(condition)}


def condition_names(entry: Mapping[str, Any], name: str) -> bool:
    """Whether an entry is about a hyperparameter, as child or as parent."""
    parts = [part for group in _GROUPS for part in entry.get(group, ())]
    own = name in (entry.get("child"), entry.get("parent"))
    return own or any(condition_names(part, name) for part in parts)


def _condition(
    child: Hyperparameter, entry: Any, space: ConfigurationSpace, where: str
) -> ConditionLike:
    keys = set(entry) if isinstance(entry, Mapping) else set()
    for group in _GROUPS:
        if keys == {group}:
            parts = entry[group]
            if not isinstance(parts, list) or not parts:
                raise StudyError(f"{where}: {group} must be a list of conditions, not {parts!r}")
            return _joined(group, [_condition(child, part, space, where) for part in parts])

    tests = keys - {"parent"}
    if "parent" not in keys or len(tests) != 1 or not tests <= _TESTS.keys():
        raise StudyError(
            f"{where}: must have a parent and one of {', '.join(_TESTS)}, or one of "
            f"{', '.join(_GROUPS)} with a list of such, not {entry!r}"
        )
    parent = known_hyperparameter(entry["parent"], space, where)
    (test,) = tests
    value = entry[test]
    if test == "in" and not (isinstance(value, list) and value):
        raise StudyError(f"{where}: in must be a list of values of {parent.name}, not {value!r}")
    for one in value if test == "in" else [value]:
        check_value(parent, one, where)
    if test in ("less_than", "greater_than") and not parent.ORDERABLE:
        raise StudyError(f"{where}: the values of {parent.name} have no order: say equals or in")
    if child == parent:
        raise StudyError(f"{where}: {child.name} cannot depend on itself")
    return _TESTS[test](child, parent, value)


def _joined(group: str, conditions: list[Any]) -> ConditionLike:
    return conditions[0] if len(conditions) == 1 else _GROUPS[group](*conditions)


def _entry(condition: ConditionLike) -> dict[str, Any]:
    for group, conjunction in _GROUPS.items():
        if isinstance(condition, conjunction):
            return {group: [_entry(part) for part in condition.components]}
    test = next(test for test, kind in _TESTS.items() if type(condition) is kind)
    assert isinstance(condition, Condition)
    return {"parent": condition.parent.name, test: plain(condition.value)}


def _parents(conditions: Sequence[Any]) -> set[str]:
    found: set[str] = set()
    for one in conditions:
        found |= {one.parent.name} if isinstance(one, Condition) else _parents(one.components)
    return found


def _check_order(parents: Mapping[str, set[str]]) -> None:
    """Raise StudyError for children that depend on each other in a circle."""
    for start in parents:
        reached: set[str] = set()
        waiting = [start]
        while waiting:
            new = parents.get(waiting.pop(), set()) - reached
            reached |= new
            waiting += new
        if start in reached:
            raise StudyError(f"conditions: {start} depends on itself")


def known_hyperparameter(name: Any, space: ConfigurationSpace, where: str) -> Hyperparameter:
    """The hyperparameter of this name. StudyError: there is none."""
    if name not in list(space):
        raise StudyError(f"{where}: no hyperparameter {name!r}: {did_you_mean(str(name), space)}")
    return space[name]


def check_value(hyperparameter: Hyperparameter, value: Any, where: str) -> None:
    """Raise StudyError unless a hyperparameter can have this value."""
    try:
        # ConfigSpace would read a list as many values.
        legal = not isinstance(value, list | dict) and hyperparameter.legal_value(value)
    except (TypeError, ValueError, OverflowError):
        legal = False
    if not legal:
        raise StudyError(f"{where}: {hyperparameter.name} cannot be {value!r} ({hyperparameter})")
