"""BOHB's model: proposes configurations from kernel density estimates of good and bad ones.

Falkner et al. 2018, section 3.2, in the form of HpBandSter's CG_BOHB. All candidates are drawn and
scored at once, and its defects are fixed: stable splits, ordinals, categories, imputation, and no
global generator.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from hpbandster.core.base_config_generator import base_config_generator
from hpbandster.core.dispatcher import Job
from numpy.typing import NDArray

from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.bohb.kde_model import KDEModel, can_be_fitted, least_points
from oneshot_hpo.hpo.plain import plain
from oneshot_hpo.hpo.randomness import Purpose, event_generator
from oneshot_hpo.hpo.settings import OptimizerSettings

Array = NDArray[np.float64]


@dataclass
class _Observations:
    """Observations at one budget; configurations are encoded when a model first needs them."""

    vectors: Array
    """(n, d), ordered by loss; ties in order of arrival."""
    losses: Array = field(default_factory=lambda: np.empty(0))
    """(n,)"""
    new: list[tuple[dict[str, Any], float]] = field(default_factory=list)
    """Configurations and losses that are not in the arrays yet."""
    last_seq: int = -1
    model: KDEModel | None = None

    def __len__(self) -> int:
        return len(self.losses) + len(self.new)

    def merge_new(self, encoding: Encoding) -> None:
        """Move new observations into the arrays."""
        if not self.new:
            return
        self.new.sort(key=itemgetter(1))
        losses = np.array([loss for _, loss in self.new])
        vectors = np.array([encoding.encode(config) for config, _ in self.new])
        places = np.searchsorted(self.losses, losses, side="right")
        self.losses = np.insert(self.losses, places, losses)
        self.vectors = np.insert(self.vectors, places, vectors, axis=0)
        self.new = []


class VectorisedKDEGenerator(base_config_generator):
    """Drop-in for HpBandSter's CG_BOHB, with get_config and new_result.

    `seq` is the number of the current decision: set it before each call, which it seeds. Models are
    fitted when a proposal needs one, so registering results is cheap.
    Raises InvalidSettings when min_points_in_model is too small for the space.
    """

    def __init__(self, space: ConfigurationSpace, settings: OptimizerSettings) -> None:
        super().__init__()
        self.seq = 0
        self.settings = settings
        # A copy, because drawing from the prior seeds it.
        self.encoding = Encoding(copy.deepcopy(space))
        least_points(self.encoding.dimensions, settings)  # raises for settings that do not fit
        self._observations: dict[float, _Observations] = {}

    def new_result(self, job: Job, update_model: bool = True) -> None:
        """Add a finished job to the observations at its budget; a crash has an infinite loss."""
        loss = np.inf if job.result is None else job.result["loss"]
        observations = self._observations.get(job.kwargs["budget"])
        if observations is None:
            observations = _Observations(np.empty((0, self.encoding.dimensions)))
            self._observations[job.kwargs["budget"]] = observations
        observations.new.append((job.kwargs["config"], loss))
        observations.last_seq = self.seq

    def forget_crash(self, config: dict[str, Any], budget: float) -> None:
        """Remove the crash of a configuration from the observations at a budget."""
        seen = self._observations[budget]
        seen.merge_new(self.encoding)
        vector = self.encoding.encode(config)
        same = (seen.vectors == vector) | (np.isnan(seen.vectors) & np.isnan(vector))
        # The first of equal crashes, so that a replay removes the same one.
        row = np.flatnonzero(np.isinf(seen.losses) & same.all(axis=1))[0]
        seen.vectors = np.delete(seen.vectors, row, axis=0)
        seen.losses = np.delete(seen.losses, row)
        seen.last_seq = self.seq
        seen.model = None

    def get_config(self, budget: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """A configuration and {"model_based_pick": whether the model proposed it}.

        The model is that of the largest budget with enough observations, whatever `budget` is.
        """
        rng = event_generator(self.settings.seed, Purpose.PROPOSAL, self.seq)
        model_budget = self.largest_budget_with_model()
        if model_budget is None or rng.random() < self.settings.random_fraction:
            return self._from_prior(rng)
        for candidate in self.model(model_budget).candidates(self.settings, rng):
            try:
                return self.encoding.decode(candidate), {"model_based_pick": True}
            except ValueError:  # the space forbids it: try the next best one
                continue
        return self._from_prior(rng)

    def largest_budget_with_model(self) -> float | None:
        """The largest budget with more good and more bad observations than dimensions."""
        ready = [
            budget
            for budget, observations in self._observations.items()
            if can_be_fitted(len(observations), self.encoding.dimensions, self.settings)
        ]
        return max(ready, default=None)

    def model(self, budget: float) -> KDEModel:
        """The model of the observations at a budget."""
        seen = self._observations[budget]
        if seen.model is None or seen.new:
            seen.merge_new(self.encoding)
            rng = event_generator(self.settings.seed, Purpose.MODEL, seen.last_seq)
            seen.model = KDEModel.fit_sorted(seen.vectors, self.encoding.levels, self.settings, rng)
        return seen.model

    def _from_prior(self, rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
        space = self.encoding.space
        space.seed(int(rng.integers(2**32)))
        return plain(dict(space.sample_configuration())), {"model_based_pick": False}
