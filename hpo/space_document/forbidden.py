"""Combinations of values that no configuration may have.

    - {batch_size: 256, channels: 64}                       # both at once
    - {supernet: [paper], momentum: {greater_than: 0.9}}     # one of a list; a comparison
    - {temperature_end: {greater_than: temperature_start}}  # with another hyperparameter

A configuration is forbidden where everything in one of the entries holds. An inactive
hyperparameter fulfils nothing. ConfigSpace's comparisons with "or equal" are left out: its version
1.2 prints each vector that it compares with one of them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ConfigSpace import (
    ConfigurationSpace,
    ForbiddenAndConjunction,
    ForbiddenEqualsClause,
    ForbiddenEqualsRelation,
    ForbiddenGreaterThanRelation,
    ForbiddenInClause,
    ForbiddenLessThanRelation,
)
from ConfigSpace.forbidden import (
    ForbiddenClause,
    ForbiddenGreaterThanClause,
    ForbiddenLessThanClause,
    ForbiddenLike,
    ForbiddenOrConjunction,
    ForbiddenRelation,
)
from ConfigSpace.hyperparameters import Hyperparameter

from oneshot_hpo.hpo.errors import StudyError
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.space_document.conditions import check_value, known_hyperparameter

_CLAUSES: dict[str, Any] = {
    "equals": ForbiddenEqualsClause,
    "in": ForbiddenInClause,
    "less_than": ForbiddenLessThanClause,
    "greater_than": ForbiddenGreaterThanClause,
}
"""By the word of a test: that of a hyperparameter against a value."""
_OF_A_VALUE = (ForbiddenEqualsClause, ForbiddenGreaterThanClause, ForbiddenLessThanClause)
_RELATIONS: dict[str, Any] = {
    "equals": ForbiddenEqualsRelation,
    "less_than": ForbiddenLessThanRelation,
    "greater_than": ForbiddenGreaterThanRelation,
}
"""The same against another hyperparameter."""


def forbidden_of(entries: Sequence[Any], space: ConfigurationSpace) -> list[ForbiddenLike]:
    """The forbidden combinations of entries. StudyError, which says which entry, if wrong."""
    found: list[ForbiddenLike] = []
    for number, entry in enumerate(entries, start=1):
        where = f"forbidden, entry {number}"
        if not isinstance(entry, Mapping) or not entry:
            raise StudyError(f"{where}: must be values by hyperparameter, not {entry!r}")
        clauses = [
            _clause(known_hyperparameter(name, space, where), test, value, space, where)
            for name, given in entry.items()
            for test, value in _tests(given, where).items()
        ]
        found.append(clauses[0] if len(clauses) == 1 else ForbiddenAndConjunction(*clauses))
    return found


def forbidden_entries(forbidden: ForbiddenLike) -> list[dict[str, Any]]:
    """The entries that describe a forbidden combination, more than one for alternatives.

    Raises StudyError for alternatives within a combination, and other comparisons.
    """
    if isinstance(forbidden, ForbiddenOrConjunction):
        return [entry for part in forbidden.components for entry in forbidden_entries(part)]
    tests: dict[str, dict[str, Any]] = {}
    for name, test, value in _tests_in(forbidden):
        if test in tests.setdefault(name, {}):
            raise StudyError(f"forbidden: {name} has two conditions {test} at once")
        tests[name][test] = value
    return [{name: _shortened(given) for name, given in tests.items()}]


def forbidden_names(entry: Mapping[str, Any], name: str) -> bool:
    """Whether an entry is about a hyperparameter, on either side of a comparison."""
    tests = [given if isinstance(given, Mapping) else {} for given in entry.values()]
    return name in entry or any(name in one.values() for one in tests)


def _tests(given: Any, where: str) -> dict[str, Any]:
    """Tests of one hyperparameter, by their words."""
    if isinstance(given, list):
        return {"in": given}
    if not isinstance(given, Mapping):
        return {"equals": given}
    if not given or not given.keys() <= _CLAUSES.keys():
        raise StudyError(f"{where}: there are {', '.join(_CLAUSES)}, not {given!r}")
    return dict(given)


def _clause(
    hyperparameter: Hyperparameter, test: str, value: Any, space: ConfigurationSpace, where: str
) -> ForbiddenClause | ForbiddenRelation:
    one = hyperparameter
    if _is_relation(one, test, value, space):
        if one.name == value:
            raise StudyError(f"{where}: {value} cannot be compared with itself")
        return _RELATIONS[test](one, space[value])
    if test == "in" and not (isinstance(value, list) and value):
        raise StudyError(f"{where}: in must be a list of values of {one.name}, not {value!r}")
    for single in value if test == "in" else [value]:
        check_value(one, single, where)
    if test not in ("equals", "in") and not one.ORDERABLE:
        raise StudyError(f"{where}: the values of {one.name} have no order: give one, or a list")
    return _CLAUSES[test](one, value)


def _is_relation(one: Hyperparameter, test: str, value: Any, space: ConfigurationSpace) -> bool:
    """Whether a value is the name of a hyperparameter, and not a word that this one can be."""
    is_name = isinstance(value, str) and test in _RELATIONS and value in list(space)
    return is_name and not one.legal_value(value)


def _tests_in(forbidden: ForbiddenLike) -> list[tuple[str, str, Any]]:
    """(name, word, value or name) of all that has to hold at once."""
    if isinstance(forbidden, ForbiddenAndConjunction):
        return [test for part in forbidden.components for test in _tests_in(part)]
    if isinstance(forbidden, ForbiddenRelation):
        for word, relation in _RELATIONS.items():
            if type(forbidden) is relation:
                return [(forbidden.left.name, word, forbidden.right.name)]
    if isinstance(forbidden, ForbiddenInClause):
        return [(forbidden.hyperparameter.name, "in", plain(forbidden.values))]
    if isinstance(forbidden, _OF_A_VALUE):
        word = next(word for word, clause in _CLAUSES.items() if type(forbidden) is clause)
        return [(forbidden.hyperparameter.name, word, plain(forbidden.value))]
    raise StudyError(f"forbidden: {forbidden} is none of {', '.join(_CLAUSES)}, alone or at once")


def _shortened(tests: dict[str, Any]) -> Any:
    """A value or a list of values for itself, other tests with their words."""
    if tests.keys() == {"in"}:
        return tests["in"]
    is_value = tests.keys() == {"equals"} and not isinstance(tests["equals"], str)
    return tests["equals"] if is_value else tests
