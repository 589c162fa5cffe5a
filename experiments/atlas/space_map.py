"""Errors, ranks, noise and probabilities of every cell of a space, from a table."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oneshot_hpo.experiments.atlas.probability import probability_of_best
from oneshot_hpo.experiments.errors import UserError
from oneshot_hpo.search_spaces import EnumerableSpace, Table
from oneshot_hpo.search_spaces.neighbourhood import best_neighbours
from oneshot_hpo.search_spaces.space import Drawing
from oneshot_hpo.search_spaces.table import Origin

_DISTINCT = 2.0
"""Standard errors of the difference from which two means count as different."""


@dataclass(frozen=True, eq=False)
class SpaceMap:
    """The U cells of a space, its entries in a table, after the table's largest budget.

    Errors are shares in [0, 1].

    Raises MissingCell, from every property, for a table that lacks a cell of the space.
    """

    space: EnumerableSpace
    table: Table

    @cached_property
    def rows(self) -> np.ndarray:
        """Rows of the cells in the table, int (U,)."""
        return self.table.entries(self.space)

    @cached_property
    def repeats(self) -> np.ndarray:
        """Test errors of single trainings, float (U, R)."""
        return self.table.errors("test", self.rows)

    @cached_property
    def trained(self) -> str:
        """How often each cell was trained, in words."""
        metric = self.table.main_metric("test")
        if (self.table.origin(metric, self.rows) == Origin.MEAN).all():
            return "several times; its source gives the means over the seeds alone"
        if self.repeats.shape[1] == 1:
            return "once"
        return f"with {self.repeats.shape[1]} seeds; errors are means over the seeds"

    @cached_property
    def test(self) -> np.ndarray:
        """Mean test errors, float (U,)."""
        return self.table.mean_errors("test", self.rows)

    @cached_property
    def valid(self) -> np.ndarray:
        """Mean validation errors, float (U,)."""
        return self.table.mean_errors("valid", self.rows)

    @cached_property
    def parameters(self) -> np.ndarray | None:
        """Trainable parameters, float (U,); None: the table does not record them."""
        return self.table.parameters_of(self.rows)

    @cached_property
    def hashes(self) -> list[str]:
        """U names of cells: NAS-Bench-101's hashes, or hashes of their keys.

        Where isomorphic cells are entries of their own, hashes of how they are written.
        """
        keys = [self.table.key(row) for row in self.rows.tolist()]
        if len(set(keys)) < len(keys):
            keys = list(map(self.text, range(len(keys))))
        return [key if key.isalnum() else _digest(key) for key in keys]

    @cached_property
    def of_configuration(self) -> np.ndarray:
        """The cell of every configuration of the space, int (C,)."""
        return self.table.entry_of(self.space)

    @cached_property
    def first(self) -> np.ndarray:
        """The first configuration of each cell, int (U,)."""
        return self.table.first_configurations(self.space)

    def drawing(self, number: int) -> Drawing | None:
        """A cell's drawing; None if the space has no drawings."""
        return self.space.drawing(self.space.architecture(int(self.first[number])))

    def text(self, number: int) -> str:
        """A cell in the form that the command line accepts."""
        return self.space.text(self.space.architecture(int(self.first[number])))

    @cached_property
    def regrets(self) -> np.ndarray:
        """Test errors minus the lowest one, float (U,)."""
        return self.test - self.test.min()

    @cached_property
    def ranks(self) -> np.ndarray:
        """1 for the lowest test error; equal ones share the better rank. int (U,)."""
        return np.searchsorted(np.sort(self.test), self.test) + 1

    @cached_property
    def percentiles(self) -> np.ndarray:
        """Shares of the cells with a higher test error, in percent, float (U,)."""
        below = np.searchsorted(np.sort(self.test), self.test, side="right")
        return 100 * (len(self.test) - below) / len(self.test)

    @cached_property
    def noise(self) -> float | None:
        """Deviation of good cells' errors between seeds; None: the table has no repeats."""
        return self.table.noise("test", self.rows) or None

    @property
    def difference_noise(self) -> float | None:
        """The standard error of the difference of two cells' means."""
        return None if self.noise is None else self.noise * np.sqrt(2 / self.repeats.shape[1])

    @cached_property
    def chances(self) -> np.ndarray | None:
        """Probabilities of being the best cell, float (U,); None: the table has no repeats."""
        if self.noise is None:
            return None
        return probability_of_best(self.test, self.noise / np.sqrt(self.repeats.shape[1]))

    @property
    def like_the_best(self) -> int | None:
        """Number of other cells that cannot be distinguished from the best one."""
        limit = self.difference_noise
        return None if limit is None else int((self.regrets < _DISTINCT * limit).sum()) - 1

    @cached_property
    def dead_ends(self) -> int:
        """Number of cells without a better neighbour."""
        return int(
            (self.test <= best_neighbours(self.space, self.of_configuration, self.test)).sum()
        )

    def named(self, name: str) -> int:
        """The cell whose hash begins with `name`. UserError: there is none, or several."""
        begin = name.strip().lower()
        found = [number for number, known in enumerate(self.hashes) if known.startswith(begin)]
        if begin and len(found) == 1:
            return found[0]
        if not begin or len(found) > 1:
            raise UserError(
                f"--cell {name!r}: {len(found)} cells of {self.space.title} have hashes "
                "with this beginning; give more digits"
            )
        raise UserError(
            f"--cell {name!r}: no cell of {self.space.title} has a hash with this beginning; "
            "oneshot-hpo search prints a cell's hash, and trials/*/result.json of a study have it "
            "as module_hash"
        )


def _digest(key: str) -> str:
    return hashlib.md5(key.encode(), usedforsecurity=False).hexdigest()
