"""A search space as a set of choices, and an architecture as the candidates picked in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations

import numpy as np

from oneshot_hpo.foreign import InvalidResult
from oneshot_hpo.search_spaces.errors import SpaceError

OPERATION, PARENTS = "operation", "parents"
"""Kinds of choices: the operation at a place of the network, and the sources that feed it."""


class InvalidArchitecture(SpaceError, ValueError):
    """Not an architecture of a space; the message says why."""


@dataclass(frozen=True)
class Choice:
    """One decision of a search space: k of its candidates are picked.

    name: unique in the space; the name of its hyperparameter in a configuration space.
    candidates: their names.
    k: number of candidates picked.
    groups: the group of each candidate; at most one of a group is picked (DARTS: candidates are
        pairs of a source and an operation, grouped by their source). None: there are no groups.
    kind: OPERATION or PARENTS.
    barred: places of candidates that take part in mixtures and are never picked (DARTS: `none`).
    """

    name: str
    candidates: tuple[str, ...]
    k: int = 1
    groups: tuple[int, ...] | None = None
    kind: str = OPERATION
    barred: frozenset[int] = frozenset()

    @cached_property
    def ways(self) -> tuple[tuple[int, ...], ...]:
        """Every allowed pick: k ascending places, in lexicographic order."""
        allowed = [place for place in range(len(self.candidates)) if place not in self.barred]
        every = combinations(allowed, self.k)
        if self.groups is None:
            return tuple(every)
        of = self.groups
        return tuple(way for way in every if len({of[place] for place in way}) == self.k)

    @property
    def is_settled(self) -> bool:
        """Whether only one pick is possible, so that there is nothing to decide."""
        return len(self.ways) == 1

    @cached_property
    def mixtures(self) -> tuple[tuple[int, ...], ...]:
        """Places of the candidates whose shares sum to 1: all of them, or those of each group."""
        if self.groups is None:
            return (tuple(range(len(self.candidates))),)
        of_group: dict[int, list[int]] = {}
        for place, group in enumerate(self.groups):
            of_group.setdefault(group, []).append(place)
        return tuple(map(tuple, of_group.values()))

    def number(self, pick: Sequence[int]) -> int:
        """The place of a pick in `ways`; raises InvalidArchitecture if it is not allowed."""
        number = self._numbers.get(tuple(pick))
        if number is None:
            raise InvalidArchitecture(f"{self.name}: {tuple(pick)} cannot be picked")
        return number

    def text(self, pick: Sequence[int]) -> str:
        """The names of picked candidates, joined by commas."""
        return ",".join(self.candidates[place] for place in pick)

    def pick(self, text: str) -> tuple[int, ...]:
        """The pick that `text` wrote; raises InvalidArchitecture."""
        for way in self.ways:
            if self.text(way) == text:
                return way
        raise InvalidArchitecture(f"{self.name}: {text!r} cannot be picked")

    def strongest(self, strengths: np.ndarray) -> tuple[int, ...]:
        """The pick with the largest strengths, float (candidates,); of equals, the first.

        With groups: the best candidate of each group, then the best of those (Liu et al., DARTS,
        section 2.4). Raises InvalidResult for strengths that are not all numbers.
        """
        if np.isnan(strengths).any():
            raise InvalidResult(f"the strengths of {self.name} are not all numbers: {strengths}")
        order = np.argsort(-np.asarray(strengths), kind="stable").tolist()
        best: list[int] = []
        seen = set()
        for place in order:
            group = place if self.groups is None else self.groups[place]
            if place not in self.barred and group not in seen:
                seen.add(group)
                best.append(place)
        return tuple(sorted(best[: self.k]))

    @cached_property
    def _numbers(self) -> dict[tuple[int, ...], int]:
        return {way: number for number, way in enumerate(self.ways)}


@dataclass(frozen=True)
class Architecture:
    """One point of a search space.

    picks: for each of the space's choices, the ascending places of the picked candidates.
    """

    picks: tuple[tuple[int, ...], ...]
