"""Some rows of a table, with what is needed of the others, as a table that lacks the others.

Results name cells, and regrets compare them with a whole space. These are the rows of such cells,
the best cells of each space, and how many cells of the space each row is better than. So results
can be checked without the table, which may be large or not one's own to publish.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import Architecture
from oneshot_hpo.search_spaces.space import SearchSpace
from oneshot_hpo.search_spaces.table import Best, Metric, MissingCell, Origin, Table

SPLITS = ("valid", "test")
"""The splits that results are read from."""


@dataclass(frozen=True)
class SpaceFacts:
    """What rows of a space are compared with: the whole space."""

    entries: int
    best_valid_error: float
    best_test_error: float
    noise_valid: float | None
    """`Table.noise` over all entries."""
    noise_test: float | None
    imputed_best: tuple[str, ...]
    """Splits whose best error is imputed."""


@dataclass(frozen=True, eq=False)
class TableRows(Table):
    """Rows of a table at its largest budget.

    provenance: the table's name, data set and its checksum. of: the checksum of the table's file.
    places: the row of each recorded architecture of a space, by the space's name and the
    architecture's text; described: the metrics; values_of: by metric, float (N, R).
    """

    family: str
    budgets: tuple[int, ...]
    provenance: Mapping[str, Any]
    of: str
    described: Mapping[str, Metric]
    main: Mapping[str, str]
    spaces: Mapping[str, SpaceFacts]
    places: Mapping[tuple[str, str], int]
    keys: tuple[str, ...]
    values_of: Mapping[str, np.ndarray]
    origins: Mapping[str, np.ndarray]
    higher: np.ndarray
    """(N,) entries of its space with a higher mean test error."""
    equal: np.ndarray
    """(N,) entries with the same one, itself included."""

    def __len__(self) -> int:
        return len(self.keys)

    @property
    def metrics(self) -> Mapping[str, Metric]:
        """Those that the table has at its largest budget."""
        return self.described

    @property
    def test_split(self) -> str:
        """As of the table."""
        return "valid" if self.main["test"] == self.main["valid"] else "test"

    def main_metric(self, split: str) -> str:
        """As of the table."""
        if split not in self.main:
            raise MissingCell(f"rows of the table {self.name} have no values of {split} images")
        return self.main[split]

    def values(self, metric: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """All repeats, float (N, R), or (R,) of one row; NaN where a repeat is absent."""
        self.column(budget)
        if metric not in self.values_of:
            raise MissingCell(f"rows of the table {self.name} have no {metric}")
        found: np.ndarray = self.values_of[metric][rows]
        return found

    def origin(self, metric: str, rows: np.ndarray | int, budget: int | None = None) -> np.ndarray:
        """Where values come from, as the table says."""
        found: np.ndarray = self.origins[metric][rows]
        return found

    def key(self, row: int) -> str:
        """The key of a row's architecture."""
        return self.keys[row]

    def row_of(self, space: SearchSpace, architecture: Architecture) -> int:
        """The row of one architecture of a space; raises MissingCell."""
        text = space.text(architecture)
        if (space.name, text) not in self.places:
            raise MissingCell(f"the rows of the table {self.name} lack {text}")
        return self.places[space.name, text]

    def entries(self, space: SearchSpace) -> np.ndarray:
        """Raises MissingCell: most of a space is not here."""
        raise MissingCell(
            f"there are only rows of the table {self.name}; this needs the whole table"
        )

    def entry_of(self, space: SearchSpace) -> np.ndarray:
        """Raises MissingCell, likewise."""
        return self.entries(space)

    def best(self, space: SearchSpace, budget: int | None = None) -> Best:
        """The lowest mean errors of the complete space, as recorded."""
        facts = self._facts(space)
        return Best(facts.best_valid_error, facts.best_test_error)

    def percentile(
        self, space: SearchSpace, architecture: Architecture, budget: int | None = None
    ) -> float:
        """Share of the space's entries with a higher mean test error, in percent."""
        row = self.row_of(space, architecture)
        return float(100 * self.higher[row] / self._facts(space).entries)

    def percent_equal(self, space: SearchSpace, architecture: Architecture) -> float:
        """Share of the space's entries with the same mean test error, in percent."""
        row = self.row_of(space, architecture)
        return float(100 * self.equal[row] / self._facts(space).entries)

    def rests_on_imputed(self, space: SearchSpace, row: int, budget: int | None = None) -> bool:
        """Whether the errors of a row, or the lowest of its space, are imputed."""
        best = self._facts(space).imputed_best
        own = (self.origin(self.main[split], row) == Origin.IMPUTED for split in SPLITS)
        return bool(best) or any(map(bool, own))

    def noise_of(self, space: SearchSpace, split: str) -> float | None:
        """The noise among good entries of the complete space, as recorded."""
        facts = self._facts(space)
        return facts.noise_valid if split == "valid" else facts.noise_test

    def _facts(self, space: SearchSpace) -> SpaceFacts:
        if space.name not in self.spaces:
            raise MissingCell(f"the rows of the table {self.name} have none of {space.title}")
        return self.spaces[space.name]
