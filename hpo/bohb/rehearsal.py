"""BOHB's decisions without its configurations: which runs start when, and which a model proposes.

For simulations of a study's time, which depends on no configuration. Brackets, rungs and promotions
are the master's own. Importing this module imports hpbandster.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections import Counter
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from hpbandster.core.base_config_generator import base_config_generator
from hpbandster.core.dispatcher import Job

from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.bohb.kde_model import can_be_fitted
from oneshot_hpo.hpo.bohb.master import BOHBMaster
from oneshot_hpo.hpo.randomness import Purpose, event_generator
from oneshot_hpo.hpo.settings import OptimizerSettings


class RehearsedMaster(BOHBMaster):
    """A master whose configurations are all empty.

    It starts the runs that a study with these settings starts, given the same results in the same
    order, and the same observations to begin with. `info` of a run says whether the study's own
    generator would have proposed it by a model.
    Only the first such run is exact: afterwards `model_based_pick` is always true.
    """

    def _new_generator(self, space: ConfigurationSpace, settings: OptimizerSettings) -> Any:
        return _FirstModel(space, settings)

    @property
    def _default(self) -> dict[str, Any]:
        return {}

    def _check_config(self, config: dict[str, Any]) -> None:
        """Nothing: no decision here depends on a configuration."""


class _FirstModel(base_config_generator):
    """In place of a generator: knows when it would first use its model, and proposes nothing.

    That all candidates of a model are forbidden by the space, so that one is drawn at random
    instead, cannot be known here.
    """

    def __init__(self, space: ConfigurationSpace, settings: OptimizerSettings) -> None:
        super().__init__()
        self.seq = 0
        self._settings = settings
        self._least = _least_observations(space, settings)
        self._seen: Counter[int | float] = Counter()
        self._has_model = self._has_picked = False

    def new_result(self, job: Job, update_model: bool = True) -> None:
        """Count a finished job, crashes included, as both generators do."""
        budget = job.kwargs["budget"]
        self._seen[budget] += 1
        self._has_model = self._has_model or self._seen[budget] >= self._least

    def get_config(self, budget: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """An empty configuration, and {"model_based_pick": whether a model would propose it}."""
        if self._has_model and not self._has_picked:
            self._has_picked = self._draw() >= self._settings.random_fraction
        return {}, {"model_based_pick": self._has_picked}

    def _draw(self) -> float:
        """The number in [0, 1) by which the study's generator chooses between prior and model."""
        random = event_generator(self._settings.seed, Purpose.PROPOSAL, self.seq)
        if self._settings.generator == "vectorised":
            return float(random.random())
        seed = int(random.integers(2**32))  # as SeededStockGenerator seeds the global generator
        return float(np.random.RandomState(seed).rand())


def _least_observations(space: ConfigurationSpace, settings: OptimizerSettings) -> int:
    """Observations at one budget from which a model can be fitted."""
    dimensions = Encoding(space).dimensions
    if settings.generator == "hpbandster":
        dimensions = len(space)  # it counts constants, and raises a lower minimum to theirs
        if (settings.min_points_in_model or 0) <= dimensions:
            settings = dataclasses.replace(settings, min_points_in_model=None)
    return next(n for n in itertools.count(1) if can_be_fitted(n, dimensions, settings))
