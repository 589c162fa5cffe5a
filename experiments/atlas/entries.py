"""The cells of which a page says everything: those that were named or found, and the best ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from oneshot_hpo.experiments.atlas.found import StudyFinds
from oneshot_hpo.experiments.atlas.space_map import SpaceMap
from oneshot_hpo.experiments.wording import percent
from oneshot_hpo.search_spaces.neighbourhood import Neighbour, neighbours_of
from oneshot_hpo.search_spaces.space import Drawing

BEST = 10
"""How many of the best cells of the space are among them."""


@dataclass(eq=False)
class Entry:
    """A cell of the page."""

    number: int
    """In the space."""
    map: SpaceMap
    reasons: list[str] = field(default_factory=list)
    """Why it is there."""

    @property
    def name(self) -> str:
        """What the page calls it: the first digits of its hash."""
        return self.map.hashes[self.number][:8]

    @property
    def row(self) -> str:
        """The place of its row in the page."""
        return f"cell-{self.map.hashes[self.number]}"

    @property
    def anchor(self) -> str:
        """The place where the page says everything of it."""
        return f"about-{self.map.hashes[self.number]}"

    @cached_property
    def drawing(self) -> Drawing | None:
        """The cell; None where the space has no drawings."""
        return self.map.drawing(self.number)

    @property
    def facts(self) -> dict[str, str]:
        """What the page says of it beside its row."""
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
        """Those of them with a lower test error."""
        own = self.map.test[self.number]
        return [near for near in self.neighbours if self.map.test[near.cell] < own]


def entries_of(
    space: SpaceMap, named: Sequence[int], studies: Sequence[StudyFinds], labels: Sequence[str]
) -> list[Entry]:
    """Every cell once, the best first; labels: what the page calls the studies."""
    found: dict[int, Entry] = {}

    def entry(number: int) -> Entry:
        return found.setdefault(number, Entry(number, space))

    for number in named:
        entry(number).reasons.append("named")
    for study, label in zip(studies, labels, strict=True):
        for find in study.finds:
            times = f" × {find.times}" if find.times > 1 else ""
            what = f" ({find.words})" if find.words else ""
            entry(find.cell).reasons.append(f"{label}{what}{times}")
    for number in space.test.argsort(kind="stable")[:BEST].tolist():
        entry(number).reasons.append(f"best {BEST} of the space")
    return sorted(found.values(), key=lambda one: (space.test[one.number], one.number))
