"""The distinct architectures of a problem, and those that a repetition has not evaluated yet.

Several configurations may make one architecture (loose ends, isomorphic cells). Methods that never
evaluate an architecture twice count architectures, numbered from 0 to U - 1.
"""

from __future__ import annotations

import math

import numpy as np

from oneshot_hpo.hpo.baselines.optimizer import Floats, Integers, InvalidBaseline, Problem

_MOST = 5_000_000  # configurations: each has a number in memory
_ROUNDS = 20  # of draws, before the architectures that are left are listed


class Architectures:
    """The architectures of a problem. Raises InvalidBaseline for a problem that is too large."""

    def __init__(self, problem: Problem) -> None:
        self._choices = problem.choices
        self.configurations = math.prod(problem.choices)
        if self.configurations > _MOST:
            raise InvalidBaseline(
                f"{self.configurations:,} configurations are too many to number; there may be "
                f"{_MOST:,}"
            )
        of = problem.architecture_of
        self.of_configuration: Integers = np.arange(self.configurations) if of is None else of
        """(C,) the architecture of every configuration."""
        self.first: Integers = np.unique(self.of_configuration, return_index=True)[1]
        """(U,) the lowest number of a configuration of each architecture."""

    def __len__(self) -> int:
        return len(self.first)

    def values(self, architectures: Integers | None = None) -> Integers:
        """A configuration of each architecture as values of the dimensions, (N, d); None: all."""
        numbers = self.first if architectures is None else self.first[architectures]
        return np.stack(np.unravel_index(numbers, self._choices), axis=-1)

    def one_hot(self) -> np.ndarray:
        """The values of every architecture as indicators, float32 (U, sum of choices)."""
        columns = zip(self.values().T, self._choices, strict=True)
        return np.hstack([np.eye(size, dtype=np.float32)[column] for column, size in columns])

    def neighbours(self, architecture: int) -> Integers:
        """The other architectures that one dimension with another value makes, each once.

        From the architecture's first configuration.
        """
        values = self.values(np.array([architecture]))[0]
        changed = []
        for dimension, size in enumerate(self._choices):
            for value in range(size):
                if value != values[dimension]:
                    changed.append(values.copy())
                    changed[-1][dimension] = value
        numbers = np.ravel_multi_index(tuple(np.array(changed).T), self._choices)
        found = np.unique(self.of_configuration[numbers])
        return found[found != architecture]


class Unseen:
    """The architectures that a repetition has not evaluated; once none is left, all are again."""

    def __init__(self, architectures: Architectures, rng: np.random.Generator) -> None:
        self._all, self._rng = architectures, rng
        self._seen = np.zeros(len(architectures), bool)
        self._left = len(architectures)

    def take(self, architecture: int) -> None:
        """The architecture is evaluated now."""
        self._left -= not self._seen[architecture]
        self._seen[architecture] = True

    def among(self, architectures: Integers) -> Integers:
        """Those of them that are not evaluated, in their order."""
        return architectures[~self._seen[architectures]]

    def sample(self, count: int) -> list[int]:
        """Distinct ones, as uniform draws of configurations find them; fewer if no more are left.

        They are not taken yet.
        """
        if not self._left:
            self._seen[:] = False
            self._left = len(self._seen)
        count = min(count, self._left)

        found: dict[int, None] = {}
        for _ in range(_ROUNDS):
            numbers = self._rng.integers(self._all.configurations, size=2 * count)
            drawn = self.among(self._all.of_configuration[numbers])
            found.update(dict.fromkeys(drawn.tolist()))
            if len(found) >= count:
                return list(found)[:count]

        rest = self._rng.permutation(np.flatnonzero(~self._seen))
        found.update(dict.fromkeys(rest.tolist()))
        return list(found)[:count]


def best_first(architectures: list[int], score: Floats) -> list[int]:
    """Architectures by falling score (U,), where larger is better; NaN is below all numbers."""
    order = np.argsort(-np.nan_to_num(score[architectures], nan=-np.inf), kind="stable")
    return [architectures[place] for place in order]
