"""A configuration space as a plain document: what a study file may have in place of a name.

    learning_rate: {lower: 1.0e-3, upper: 1.0, log: true, default: 0.025}
    batch_size: {sequence: [32, 64, 128], default: 64}       # ordered values
    supernet: {choices: [corrected, paper], default: paper}  # values without an order
    momentum: {constant: 0.9}
    cutout_prob: {lower: 0.0, upper: 1.0, default: 0.0}
    cutout_length: {lower: 2, upper: 16, log: true, default: 8}
    conditions:                                              # where one fails, the child is absent
    - {child: cutout_length, parent: cutout_prob, greater_than: 0}
    forbidden:
    - {batch_size: 128, supernet: paper}

A range is of whole numbers if both its ends are. The modules `hyperparameters`, `conditions` and
`forbidden` say what an entry may be.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ConfigSpace import Configuration, ConfigurationSpace

from oneshot_hpo.hpo.errors import StudyError
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.space_document.conditions import (
    condition_entry,
    condition_names,
    conditions_of,
)
from oneshot_hpo.hpo.space_document.forbidden import (
    forbidden_entries,
    forbidden_names,
    forbidden_of,
)
from oneshot_hpo.hpo.space_document.hyperparameters import entry_of, hyperparameter_of

CONDITIONS, FORBIDDEN = "conditions", "forbidden"
"""Keys of a document that are no hyperparameters; each holds a list."""
_DRAWN = 1_000


def hyperparameters(document: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a document that are hyperparameters, by name."""
    return {key: one for key, one in document.items() if key not in (CONDITIONS, FORBIDDEN)}


def without(document: Mapping[str, Any], name: str) -> dict[str, Any]:
    """A document without a hyperparameter, and without the clauses that name it."""
    left = {key: one for key, one in document.items() if key != name}
    for key, names_it in ((CONDITIONS, condition_names), (FORBIDDEN, forbidden_names)):
        if key in left:
            left[key] = [entry for entry in left[key] if not names_it(entry, name)]
    return left


def space_from_document(document: Mapping[str, Any], name: str = "own") -> ConfigurationSpace:
    """The space that a document describes.

    Raises StudyError, which names the hyperparameter or the place in a list: anything that is not
    as it has to be, a default configuration that is forbidden, or forbidden combinations that leave
    less than one in a thousand configurations.
    """
    space = ConfigurationSpace(name=name)
    space.add([hyperparameter_of(key, one) for key, one in hyperparameters(document).items()])
    space.add(conditions_of(_list(document, CONDITIONS), space))
    if combinations := _list(document, FORBIDDEN):
        everything = copy.deepcopy(space)
        clauses = forbidden_of(combinations, space)
        try:
            space.add(clauses)
        except ValueError:  # ConfigSpace's own ForbiddenValueError, on several lines
            default = plain(dict(everything.get_default_configuration()))
            raise StudyError(f"forbidden: the default configuration is: {default}") from None
        _check_room(space, everything)
    return space


def document_from_space(space: ConfigurationSpace) -> dict[str, Any]:
    """The document of a space, every default written out.

    Raises StudyError for what this form does not have: distributions that are not uniform,
    alternatives within a forbidden combination, and comparisons with "or equal" there.
    """
    document: dict[str, Any] = {name: entry_of(one) for name, one in space.items()}
    if space.conditions:
        document[CONDITIONS] = [condition_entry(one) for one in space.conditions]
    if space.forbidden_clauses:
        document[FORBIDDEN] = [
            entry for one in space.forbidden_clauses for entry in forbidden_entries(one)
        ]
    return document


def _list(document: Mapping[str, Any], key: str) -> list[Any]:
    entries = document.get(key, [])
    if not isinstance(entries, list):
        raise StudyError(f"{key} must be a list of entries, not {entries!r}")
    return entries


def _check_room(space: ConfigurationSpace, everything: ConfigurationSpace) -> None:
    """Raise StudyError where nearly every configuration is forbidden.

    ConfigSpace draws until one is not, for ever if need be. `everything`: without the forbidden.
    """
    everything.seed(0)
    for drawn in everything.sample_configuration(_DRAWN):
        try:
            Configuration(space, values=dict(drawn))
        except ValueError:
            continue
        return
    raise StudyError(
        f"forbidden: none of {_DRAWN:,} configurations drawn at random is left: forbid less, or "
        "change the ranges"
    )
