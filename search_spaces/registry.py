"""The search spaces by name. Adding one is one file or folder and one entry here."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from difflib import get_close_matches
from functools import cache

from oneshot_hpo import foreign, plugins
from oneshot_hpo.plugins import Entry
from oneshot_hpo.search_spaces.errors import SpaceError
from oneshot_hpo.search_spaces.space import SearchSpace, SpaceId

_HERE = "oneshot_hpo.search_spaces"

_NASBENCH101 = tuple(
    Entry(
        kind="space",
        name=f"nasbench101-{number}",
        target=f"{_HERE}.nasbench101.space:SPACE_{number}",
        summary=f"space {number} of NAS-Bench-1Shot1 (Zela et al. 2020)",
    )
    for number in (1, 2, 3)
)
_OTHERS = (
    ("nasbench201", "nasbench201.space:NASBENCH201", "NAS-Bench-201 (Dong and Yang 2020)"),
    ("transnas-micro", "transnas.micro:MICRO", "TransNAS-Bench-101, cells (Duan et al. 2021)"),
    ("transnas-macro", "transnas.macro:MACRO", "TransNAS-Bench-101, skeletons (Duan et al. 2021)"),
    ("darts", "darts.space:DARTS", "DARTS's own (Liu et al. 2019)"),
)

ENTRIES = _NASBENCH101 + tuple(
    Entry(kind="space", name=name, target=f"{_HERE}.{target}", summary=summary)
    for name, target, summary in _OTHERS
)

_NUMBERED = {"1": "nasbench101-1", "2": "nasbench101-2", "3": "nasbench101-3"}


class UnknownSpace(SpaceError, ValueError):
    """The name of an unknown search space."""


@cache
def get_space(name: SpaceId) -> SearchSpace:
    """A search space by its name, or 1, 2 or 3 of NAS-Bench-1Shot1; raises UnknownSpace.

    A plug-in is a SearchSpace, or a class or function that makes one without arguments.
    """
    key = _NUMBERED.get(str(name), str(name))
    try:
        entry = plugins.entry("space", key)
        space: SearchSpace = foreign.made(entry.load(), SearchSpace, entry.label)
        if not entry.is_built_in:
            space.plugin = key
        return space
    except (foreign.NotAllowed, foreign.BrokenPlugin) as error:
        raise UnknownSpace(str(error)) from None
    except plugins.UnknownName:
        near = get_close_matches(key, plugins.names("space"), n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        word = key if key.isdecimal() else repr(name)
        raise UnknownSpace(f"there are search spaces {known_spaces()}, not {word}{hint}") from None


def spaces_of(family: str) -> list[SearchSpace]:
    """The spaces that share tables of a family: built-in ones, else those of installed packages.

    Packages that cannot be imported are left out.
    """
    every = (get_space(name) for name in plugins.names("space"))
    ours = [space for space in every if space.family == family]
    return ours or [space for space in _registered() if space.family == family]


def _registered() -> Iterator[SearchSpace]:
    for name in plugins.registered("space"):
        with suppress(UnknownSpace):
            yield get_space(name)


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
    """The name of a space in messages, also of an unknown one."""
    try:
        return get_space(space).title
    except UnknownSpace:
        return f"space {foreign.label_of(str(space))}"


def heading_of(space: SpaceId) -> str:
    """`title_of` at the beginning of a line."""
    title = title_of(space)
    return title[:1].upper() + title[1:]


def known_spaces() -> str:
    """The names that a study file may use, in words."""
    others = [name for name in plugins.names("space") if name not in _NUMBERED.values()]
    *first, last = [*_NUMBERED, *others]
    return f"{', '.join(first)} and {last}"
