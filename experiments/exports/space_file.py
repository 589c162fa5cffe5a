"""Writes and reads configspace.json, in ConfigSpace's current JSON or that of version 0.4."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ConfigSpace import ConfigurationSpace

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.hpo.space_document.serialized import NEW_NAMES

SPACE = "configspace.json"
FORMS = ("1", "0.4")
"""Versions of ConfigSpace for which the file can be written."""

_OLD_NAMES = {new: old for old, new in NEW_NAMES.items()}
_OLD_FORBIDDEN = {"EQUALS", "IN", "AND"}
"""Types of forbidden clauses in version 0.4."""
_RANGE = ("type", "lower", "upper", "log", "choices", "sequence", "value")
"""Keys that define a hyperparameter's range; defaults and comments are left out."""


def write_space(space: ConfigurationSpace, path: Path, form: str) -> None:
    """Write a space in one of FORMS. UserError: the older form cannot hold it."""
    if form == "1":
        space.to_json(path)
        return
    document = space.to_serialized_dict()
    if not _kinds(document["forbiddens"]) <= _OLD_FORBIDDEN:
        raise UserError(
            "ConfigSpace 0.4 has no comparisons in forbidden combinations, as this space does: "
            "leave --configspace out"
        )
    hyperparameters = [
        {_OLD_NAMES.get(key, key): value for key, value in one.items() if key != "meta"}
        for one in document["hyperparameters"]
    ]
    old = {
        "name": document["name"],
        "hyperparameters": hyperparameters,
        "conditions": document["conditions"],
        "forbiddens": document["forbiddens"],
        "python_module_version": "0.4.21",
        "json_format_version": 0.2,
    }
    path.write_text(json.dumps(old, indent=2) + "\n")


def differences(path: Path, space: ConfigurationSpace) -> list[str]:
    """Differences between the space in a run's file, of either form, and a study's, in words.

    Empty if there is no such file. UserError: it does not hold a space.
    """
    try:
        theirs = _ranges(json.loads(path.read_bytes()))
    except FileNotFoundError:
        return []
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UserError(
            f"{path} does not hold a space of ConfigSpace; repair or remove it, the import can do "
            "without it"
        ) from None
    ours = _ranges(space.to_serialized_dict())
    return [
        f"{name} {_words(theirs.get(name))} in the run, {_words(ours.get(name))} in the study"
        for name in sorted(theirs.keys() | ours.keys())
        if theirs.get(name) != ours.get(name)
    ]


def _kinds(clauses: list[dict[str, Any]]) -> set[str]:
    found = {clause["type"] for clause in clauses}
    return found.union(*(_kinds(clause.get("clauses", [])) for clause in clauses))


def _ranges(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        str(one["name"]): {key: one[key] for key in _RANGE if one.get(key) is not None}
        for one in document["hyperparameters"]
    }


def _words(range_: Mapping[str, Any] | None) -> str:
    if range_ is None:
        return "is missing"
    words = ", ".join(f"{key} {value}" for key, value in range_.items())
    return f"has {words}"
