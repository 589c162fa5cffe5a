"""A search space without some of its cells."""

from __future__ import annotations

from typing import Any

import numpy as np

from oneshot_hpo.search_spaces.choices import Architecture
from oneshot_hpo.search_spaces.space import Drawing, EnumerableSpace, SpaceId, UniqueCells


class PrunedSpace(EnumerableSpace):
    """A space that draws uniformly among the configurations that are left.

    `num_configurations` and `architecture` number these; everything else is as in the complete
    space.

    left: int (K,), their numbers in the complete space.
    """

    def __init__(self, space: EnumerableSpace, left: np.ndarray) -> None:
        self._complete, self.left = space, left
        self.name, self.family, self.title = space.name, space.family, space.title
        self.choices, self.operations = space.choices, space.operations
        self.parameter_free = space.parameter_free

    @classmethod
    def of_cells(cls, space: EnumerableSpace, cells: np.ndarray) -> PrunedSpace:
        """The space of these unique cells, int (U,), alone."""
        return cls(space, np.flatnonzero(np.isin(space.unique.of_configuration, cells)))

    @property
    def id(self) -> SpaceId:
        """As in the complete space."""
        return self._complete.id

    @property
    def entropy(self) -> int:
        """As in the complete space."""
        return self._complete.entropy

    @property
    def complete(self) -> EnumerableSpace:
        """The complete space."""
        return self._complete

    @property
    def num_configurations(self) -> int:
        """Number of configurations that are left."""
        return len(self.left)

    def architecture(self, configuration: int) -> Architecture:
        """The architecture with this number among those left; ValueError if there is none."""
        if not 0 <= configuration < len(self.left):
            raise ValueError(f"{len(self.left)} configurations are left: none is {configuration}")
        return self._complete.architecture(int(self.left[configuration]))

    @property
    def unique(self) -> UniqueCells:
        """As in the complete space."""
        return self._complete.unique

    def key(self, architecture: Architecture) -> str:
        """As in the complete space."""
        return self._complete.key(architecture)

    def used_operations(self, configurations: np.ndarray) -> np.ndarray:
        """As in the complete space, whose numbers these configurations are."""
        return self._complete.used_operations(configurations)

    def lines(self, architecture: Architecture) -> list[str]:
        """As in the complete space."""
        return self._complete.lines(architecture)

    def drawing(self, architecture: Architecture) -> Drawing | None:
        """As in the complete space."""
        return self._complete.drawing(architecture)

    def to_document(self, architecture: Architecture) -> dict[str, Any]:
        """As in the complete space."""
        return self._complete.to_document(architecture)

    def from_document(self, document: Any) -> Architecture:
        """As in the complete space."""
        return self._complete.from_document(document)
