"""The studies of an ablation grid: which are compared, and what tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.experiments.grids.grid import Grid, Member
from oneshot_hpo.search_spaces import SpaceId, title_of
from oneshot_hpo.searchers.registry import settings_class

SEARCH = "search."
"""What keys of a grid's values begin with that are settings of the search."""


def members_of(grid: Grid, space: SpaceId) -> list[Member]:
    """The studies in a space. UserError: there is none."""
    members = [member for member in grid.members if member.spec.space == space]
    if not members:
        raise UserError(f"{grid.name} has no study in {title_of(space)}")
    return members


def is_by_searcher(grid: Grid) -> bool:
    """Whether a grid has several settings of the search for each of several searchers."""
    varied = grid.members[0].values
    return "searcher" in varied and any(key.startswith(SEARCH) for key in varied)


def ablations_of(grid: Grid, members: Sequence[Member]) -> list[tuple[str, list[Member]]]:
    """The members that are compared with each other, each group with its title."""
    if not is_by_searcher(grid):
        return [(grid.name, list(members))]
    found: dict[str, list[Member]] = {}
    for member in members:
        found.setdefault(f"{grid.name}, {member.spec.searcher}", []).append(member)
    return list(found.items())


def usual_epochs(members: Sequence[Member]) -> int:
    """The length of the members' searches, the middle one of several."""
    lengths = sorted({member.spec.max_budget for member in members})
    return lengths[len(lengths) // 2]


def label_of(member: Member, epochs: int, title: str) -> str:
    """The member's values but for its space and what the title says.

    epochs: the length of its searches.
    """
    parts = []
    for key, value in member.values.items():
        if key == "max_budget":
            parts.append(f"{epochs} epochs")
        elif key == "searcher" and title.endswith(f", {value}"):
            continue
        elif key != "space":
            word = f"{value:g}" if isinstance(value, float) else str(value)
            parts.append(word if isinstance(value, str) else f"{key.split('.')[-1]} {word}")
    return ", ".join(parts)


def reference_of(members: Sequence[Member]) -> int:
    """The place of the first member with the fewest values that are not their default."""

    usual = usual_epochs(members)

    def changed(member: Member) -> int:
        spec = member.spec
        defaults: Any = settings_class(spec.searcher)()
        other = sum(value != getattr(defaults, key) for key, value in spec.search.items())
        return other + (spec.searcher != "darts") + (spec.max_budget != usual)

    return min(range(len(members)), key=lambda place: changed(members[place]))
