"""The cells with a section in the page: named ones, found ones, and the best of the space."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from oneshot_hpo.experiments.atlas.found import StudyCells
from oneshot_hpo.experiments.atlas.space_map import SpaceMap
from oneshot_hpo.experiments.wording import percent
from oneshot_hpo.search_spaces.neighbourhood import Neighbour, neighbours_of
from oneshot_hpo.search_spaces.space import Drawing

BEST = 10
"""Number of best cells of the space."""


@dataclass(eq=False)
class Entry:
    """A cell with a section in the page."""

    number: int
    """Its number in the space."""
    map: SpaceMap
    reasons: list[str] = field(default_factory=list)
    """Why it is in the page."""

    @property
    def name(self) -> str:
        """Its name in the page: the first digits of its hash."""
        return self.map.hashes[self.number][:8]

    @property
    def row(self) -> str:
        """The anchor of its row."""
        return f"cell-{self.map.hashes[self.number]}"

    @property
    def anchor(self) -> str:
        """The anchor of its section."""
        return f"about-{self.map.hashes[self.number]}"

    @cached_property
    def drawing(self) -> Drawing | None:
        """The cell; None where the space has no drawings."""
        return self.map.drawing(self.number)

    @property
    def facts(self) -> dict[str, str]:
        """Facts about the cell that are not in its row."""
        own = self.map.hashes[self.number]
        is_key = own == self.map.table.key(int(self.map.rows[self.number]))
        written = {} if is_key else {"cell": self.map.text(self.number)}
        name = "test error" if self.map.repeats.shape[1] == 1 else "each seed's test error"
        return {"hash": own, **written, name: self.errors}

    @cached_property
    def neighbours(self) -> list[Neighbour]:
        """The cells one change away, the best first."""
        found = neighbours_of(self.map.space, self.map.of_configuration, self.number)
        return sorted(found, key=lambda neighbour: self.map.test[neighbour.cell])

    @property
    def errors(self) -> str:
        """The test error of each training."""
        repeats = self.map.repeats[self.number]
        return ", ".join(percent(float(error)) for error in repeats[~np.isnan(repeats)])

    @property
    def better(self) -> list[Neighbour]:
        """Neighbours with a lower test error."""
        own = self.map.test[self.number]
        return [near for near in self.neighbours if self.map.test[near.cell] < own]


def entries_of(
    space: SpaceMap, named: Sequence[int], studies: Sequence[StudyCells], labels: Sequence[str]
) -> list[Entry]:
    """Every cell once, the best first; labels: names of the studies in the page."""
    found: dict[int, Entry] = {}

    def entry(number: int) -> Entry:
        return found.setdefault(number, Entry(number, space))

    for number in named:
        entry(number).reasons.append("named")
    for study, label in zip(studies, labels, strict=True):
        for one in study.cells:
            times = f" × {one.times}" if one.times > 1 else ""
            what = f" ({one.words})" if one.words else ""
            entry(one.cell).reasons.append(f"{label}{what}{times}")
    for number in space.test.argsort(kind="stable")[:BEST].tolist():
        entry(number).reasons.append(f"best {BEST} of the space")
    return sorted(found.values(), key=lambda one: (space.test[one.number], one.number))
