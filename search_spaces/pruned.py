"""A search space of which some cells are left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from oneshot_hpo.search_spaces.space import Architecture, SearchSpace, get_space


@dataclass(frozen=True, eq=False)
class PrunedSpace(SearchSpace):
    """What is drawn uniformly from it is drawn among the configurations that are left.

    `num_configurations` and `architecture` number those; all else is as in the complete space.

    left: int (K,), their numbers in the complete space.
    """

    left: np.ndarray

    @classmethod
    def of_cells(cls, space: SearchSpace, cells: np.ndarray) -> PrunedSpace:
        """The configurations of these unique cells, int (U,)."""
        left = np.flatnonzero(np.isin(space.unique.of_configuration, cells))
        return cls(space.number, space.num_parents, left)

    @property
    def num_configurations(self) -> int:
        """Number of configurations that are left."""
        return len(self.left)

    def architecture(self, configuration: int) -> Architecture:
        """The architecture with this number among those left; ValueError if there is none."""
        if not 0 <= configuration < len(self.left):
            raise ValueError(f"{len(self.left)} configurations are left: none is {configuration}")
        return get_space(self.number).architecture(int(self.left[configuration]))
