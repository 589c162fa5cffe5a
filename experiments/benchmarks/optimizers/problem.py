"""A problem: a configuration space, fidelities, and a table with a row for each configuration."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from numpy.typing import NDArray

from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.plain import plain

Array = NDArray[np.float64]
FindRow = Callable[[Mapping[str, Any]], int]


@dataclass(frozen=True, eq=False)
class Problem:
    """N configurations that were evaluated at F fidelities with up to R seeds.

    find_row: the row of a configuration of the space. losses: (N, F, R), inf where a run diverged,
    NaN where the table has no such run. costs: (N, F), the cost of a run, in any unit.
    """

    name: str
    space: ConfigurationSpace
    fidelities: tuple[int, ...]
    """Ascending; each is about eta times the one before."""
    eta: int
    find_row: FindRow
    losses: Array
    costs: Array
    continues: bool = False
    """Whether the fidelities are points of one training: a configuration that was trained to one
    of them pays the rest alone. Otherwise each is a training from the start."""
    has_known_default: bool = True
    """Whether the default is somebody's choice, not just the first of all configurations."""

    @property
    def budgets(self) -> tuple[float, ...]:
        """The rungs of successive halving, (F,): the largest fidelity over powers of eta."""
        last = len(self.fidelities) - 1
        return tuple(self.fidelities[-1] / self.eta ** (last - k) for k in range(last + 1))

    @property
    def default(self) -> dict[str, Any]:
        """The default configuration."""
        config: dict[str, Any] = plain(dict(self.space.get_default_configuration()))
        return config

    @cached_property
    def encoding(self) -> Encoding:
        """Configurations as vectors."""
        return Encoding(self.space)

    @cached_property
    def full_cost(self) -> float:
        """The mean cost of a run at the largest fidelity."""
        return float(self.costs[:, -1].mean())

    def fidelity(self, budget: float) -> int:
        """The place of the fidelity whose ratio to a budget is nearest to 1."""
        return int(np.abs(np.log(np.array(self.fidelities) / budget)).argmin())

    def loss(self, row: int, fidelity: int, seed: Sequence[int]) -> float:
        """The loss of one of a row's runs, which `seed` picks; inf if it diverged."""
        runs = self.losses[row, fidelity]
        runs = runs[~np.isnan(runs)]
        if len(runs) == 1:
            return float(runs[0])
        return float(runs[np.random.default_rng([*seed, row, fidelity]).integers(len(runs))])

    @cached_property
    def true_losses(self) -> Array:
        """(N,) mean losses at the largest fidelity; inf where a run diverged."""
        means: Array = np.nanmean(self.losses[:, -1], axis=1)
        return means

    def regret(self, row: int) -> float:
        """How much worse a row truly is than the best one, 0, measured by the median row, 1.

        A row that diverged is as bad as the worst that did not.
        """
        best, median, worst = self._scale
        return (min(float(self.true_losses[row]), worst) - best) / (median - best)

    @cached_property
    def _scale(self) -> tuple[float, float, float]:
        finite = self.true_losses[np.isfinite(self.true_losses)]
        best, median = float(finite.min()), float(np.median(self.true_losses))
        worst = float(finite.max())
        return best, median if math.isfinite(median) and median > best else worst, worst

    def random_configuration(self, rng: np.random.Generator) -> dict[str, Any]:
        """A configuration drawn uniformly from the unit cube."""
        levels = self.encoding.levels
        vector = np.where(levels > 0, rng.integers(np.maximum(levels, 1)), rng.random(len(levels)))
        return self.encoding.decode(vector)


class NearestRow:
    """Finds the row of a table that is nearest to a configuration in the unit cube.

    Two values of a category are 1 apart. Ties go to the first row.
    """

    def __init__(self, encoding: Encoding, rows: Sequence[Mapping[str, Any]]) -> None:
        """Raises ValueError for a row that is not in the space."""
        self._encoding = encoding
        self._is_category = encoding.levels > 0
        self._vectors = np.array([encoding.encode(row) for row in rows])

    def __call__(self, config: Mapping[str, Any]) -> int:
        """The row's number."""
        apart = self._vectors - self._encoding.encode(config)
        apart[:, self._is_category] = apart[:, self._is_category] != 0
        return int((apart**2).sum(1).argmin())
