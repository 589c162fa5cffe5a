"""A grid: a study file with a section `grid` of keys and the values that each is to have.

name: paper
...                     # keys of a study file, the same for all
grid:
  space: [1, 2, 3]      # one study for every combination of these
  search.weight_decay: [1e-4, 3e-4]
confirm: 6              # optional: fresh seeds for each finished study
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from oneshot_hpo.experiments.errors import StudyFileError, UserError
from oneshot_hpo.experiments.study import bounds
from oneshot_hpo.experiments.study.document import GRID, lay, read_document
from oneshot_hpo.experiments.study.specification import WRITTEN, StudySpec
from oneshot_hpo.experiments.study.validation import validated
from oneshot_hpo.experiments.study.yaml_files import load_yaml
from oneshot_hpo.experiments.wording import unknown_key
from oneshot_hpo.foreign import reference_of

CONFIRM = "confirm"
GRID_FILE = "grid.yaml"
"""The grid, with every override, in its folder; each study has a folder beside it."""
_MOST = 10_000
"""Studies of a grid."""


@dataclass(frozen=True)
class Member:
    """One study of a grid."""

    name: str
    """The values that vary, as the name of its folder: space-1_darts_cs1_seed-0."""
    values: Mapping[str, Any]
    """The values that vary, by key."""
    spec: StudySpec
    """Validated, not yet complete."""


@dataclass(frozen=True)
class Grid:
    """Several studies."""

    name: str
    members: tuple[Member, ...]
    confirm: int | None
    """Fresh seeds for each finished study; None: no confirmation."""
    document: Mapping[str, Any]
    """The file's keys with the overrides."""

    def chosen(self, only: Sequence[str]) -> list[Member]:
        """The members that match all of these: names, or KEY=VALUE. UserError: none does."""
        members = list(self.members)
        for word in only:
            members = [member for member in members if _matches(member, word)]
            if not members:
                keys = ", ".join(self.members[0].values)
                raise UserError(
                    f"--only {word}: no study of {self.name} matches; give a study's name, or "
                    f"KEY=VALUE with one of {keys}"
                )
        return members


def load_grid(source: str, overrides: Sequence[str] = ()) -> Grid | None:
    """Read a grid; None if the file is that of a single study. StudyFileError: anything wrong."""
    document = read_document(source, overrides)
    return make_grid(document, source) if GRID in document else None


def make_grid(document: Mapping[str, Any], origin: str) -> Grid:
    """The grid in a document; StudyFileError, which begins with `origin`, if there is none."""
    base = {key: value for key, value in document.items() if key not in (GRID, CONFIRM)}
    confirm = document.get(CONFIRM)
    if confirm is not None and (type(confirm) is not int or not 1 <= confirm <= bounds.REPETITIONS):
        wanted = f"a whole number from 1 to {bounds.REPETITIONS:,}"
        raise StudyFileError(f"{origin}: key 'confirm' must be {wanted}")

    axes = _axes(document[GRID], base, origin)
    if (studies := math.prod(map(len, axes.values()))) > _MOST:
        raise StudyFileError(f"{origin}: has {studies:,} studies; {_MOST:,} is the limit")

    members = []
    for values in itertools.product(*axes.values()):
        chosen = dict(zip(axes, values, strict=True))
        own = _copied(base)
        name = "_".join(_word(key, value) for key, value in chosen.items())
        own["name"] = name
        for key, value in chosen.items():
            try:
                lay(own, key, value)
            except StudyFileError as error:
                raise StudyFileError(f"{origin}: grid key {key!r}: {error}") from None
        members.append(Member(name, chosen, validated(own, f"{origin}, {name}")))
    if len({member.name for member in members}) < len(members):
        raise StudyFileError(f"{origin}: a key of the grid has the same value twice")
    return Grid(str(base["name"]), tuple(members), confirm, document)


def _axes(section: Any, base: Mapping[str, Any], origin: str) -> dict[str, list[Any]]:
    if not isinstance(section, dict) or not section:
        raise StudyFileError(f"{origin}: key 'grid' must be a section of keys and lists of values")
    for key, values in section.items():
        if not isinstance(values, list) or not values:
            raise StudyFileError(f"{origin}: grid key {key!r} must be a list of values")
        if any(isinstance(value, dict) for value in values):
            raise StudyFileError(
                f"{origin}: a value of grid key {key!r} must be a word or a number: write each "
                "section to a file of its own, or vary a key in it"
            )
        first = key.split(".")[0]
        known = [field for field in StudySpec.model_fields if field not in ("name", *WRITTEN)]
        if first not in known:
            raise StudyFileError(f"{origin}: {unknown_key(first, GRID, known)}")
        if key in base:
            raise StudyFileError(f"{origin}: {key} is varied by the grid: set {GRID}.{key}")
    return section


def _copied(document: Mapping[str, Any]) -> dict[str, Any]:
    """A copy in which sections can be changed."""
    return {k: _copied(v) if isinstance(v, dict) else v for k, v in document.items()}


def _word(key: str, value: Any) -> str:
    """A value in a member's name: a word speaks for itself, a number needs its key.

    Of a path it is the file, of code the name in it.
    """
    if isinstance(value, str):
        reference = reference_of(value)
        return value.rpartition("/")[2] if reference is None else reference.name
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return f"{key.split('.')[-1]}-{shown}"


def _matches(member: Member, word: str) -> bool:
    key, equals, text = word.partition("=")
    if not equals:
        return member.name == word
    if key not in member.values:
        return False
    value = member.values[key]
    return value == load_yaml(text) or (isinstance(value, str) and _word(key, value) == text)
