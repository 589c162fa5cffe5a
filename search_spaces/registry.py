"""The search spaces by name. Adding one is one file or folder and one line here."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib import import_module

from oneshot_hpo.search_spaces.space import SearchSpace, SpaceId

SPACES: dict[str, tuple[str, str]] = {
    "nasbench101-1": ("oneshot_hpo.search_spaces.nasbench101.space", "SPACE_1"),
    "nasbench101-2": ("oneshot_hpo.search_spaces.nasbench101.space", "SPACE_2"),
    "nasbench101-3": ("oneshot_hpo.search_spaces.nasbench101.space", "SPACE_3"),
    "nasbench201": ("oneshot_hpo.search_spaces.nasbench201.space", "NASBENCH201"),
    "transnas-micro": ("oneshot_hpo.search_spaces.transnas.micro", "MICRO"),
    "transnas-macro": ("oneshot_hpo.search_spaces.transnas.macro", "MACRO"),
    "darts": ("oneshot_hpo.search_spaces.darts.space", "DARTS"),
}
"""Module and name of each space; a module is imported when its space is first used."""

_NUMBERED = {"1": "nasbench101-1", "2": "nasbench101-2", "3": "nasbench101-3"}


class UnknownSpace(ValueError):
    """A search space that there is not."""


@cache
def get_space(name: SpaceId) -> SearchSpace:
    """A search space by its name, or 1, 2 or 3 of NAS-Bench-1Shot1; raises UnknownSpace."""
    key = _NUMBERED.get(str(name), str(name))
    if key not in SPACES:
        near = get_close_matches(key, SPACES, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        word = key if key.isdecimal() else repr(name)
        raise UnknownSpace(f"there are search spaces {_known()}, not {word}{hint}")
    module, attribute = SPACES[key]
    space: SearchSpace = getattr(import_module(module), attribute)
    return space


def space_ids(text: str, option: str = "--space") -> tuple[SpaceId, ...]:
    """The ids of spaces whose names or numbers a text lists with commas, each once.

    Numbers come first, ascending. Raises UnknownSpace, which begins with the option.
    """
    names = [word.strip() for word in text.split(",")]
    try:
        return tuple(ordered({get_space(name).id for name in names}))
    except UnknownSpace as error:
        raise UnknownSpace(f"{option}: {error}") from None


def ordered(spaces: Iterable[SpaceId]) -> list[SpaceId]:
    """Ids in the order in which they are shown: numbers first, ascending."""
    return sorted(spaces, key=lambda one: (isinstance(one, str), one))


def title_of(space: SpaceId) -> str:
    """What messages call a space; of one that is not known here, its name."""
    try:
        return get_space(space).title
    except UnknownSpace:
        return f"space {space}"


def heading_of(space: SpaceId) -> str:
    """`title_of` at the beginning of a line."""
    title = title_of(space)
    return title[:1].upper() + title[1:]


def _known() -> str:
    """The names that a study file may say, in words."""
    others = [name for name in SPACES if name not in _NUMBERED.values()]
    *first, last = [*_NUMBERED, *others]
    return f"{', '.join(first)} and {last}"
