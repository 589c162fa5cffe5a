"""BOHB's model: proposes configurations from kernel density estimates of good and bad ones.

Falkner et al. 2018, section 3.2, in the form of HpBandSter's CG_BOHB, with all candidates drawn and
scored at once, and with its defects mended: stable splits, ordinals, categories, imputation, and no
global generator.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from hpbandster.core.base_config_generator import base_config_generator
from hpbandster.core.dispatcher import Job
from numpy.typing import NDArray

from hpo.encoding import Encoding
from hpo.kde_model import KDEModel, can_be_fitted, least_points
from hpo.plain import plain
from hpo.randomness import Purpose, event_generator
from hpo.settings import OptimizerSettings

Array = NDArray[np.float64]


@dataclass
class _Observations:
    """What was observed at one budget; configurations are encoded when a model first needs them."""

    configs: list[dict[str, Any]] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)
    vectors: Array | None = None
    last_seq: int = -1
    model_size: int = 0
    model: KDEModel | None = None


class VectorisedKDEGenerator(base_config_generator):
    """Drop-in for HpBandSter's CG_BOHB, with get_config and new_result.

    `seq` is the number of the current decision: set it before each call, for it seeds the call.
    Models are fitted when a proposal needs one, so that registering results costs next to nothing.
    Raises InvalidSettings when min_points_in_model is too small for the space.
    """

    def __init__(self, space: ConfigurationSpace, settings: OptimizerSettings) -> None:
        super().__init__()
        self.seq = 0
        self.settings = settings
        # An own copy, for drawing from the prior seeds it.
        self.encoding = Encoding(copy.deepcopy(space))
        least_points(self.encoding.dimensions, settings)  # settings that do not fit end here
        self._observations: dict[float, _Observations] = {}

    def new_result(self, job: Job, update_model: bool = True) -> None:
        """Adds a finished job to the observations at its budget; a crash has an infinite loss."""
        observations = self._observations.setdefault(job.kwargs["budget"], _Observations())
        observations.configs.append(job.kwargs["config"])
        observations.losses.append(np.inf if job.result is None else job.result["loss"])
        observations.last_seq = self.seq

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
            except ValueError:  # the space forbids it: the next best one
                continue
        return self._from_prior(rng)

    def largest_budget_with_model(self) -> float | None:
        """The largest budget with more good and more bad observations than dimensions."""
        ready = [
            budget
            for budget, observations in self._observations.items()
            if can_be_fitted(len(observations.losses), self.encoding.dimensions, self.settings)
        ]
        return max(ready, default=None)

    def model(self, budget: float) -> KDEModel:
        """The model of what was observed at a budget."""
        seen = self._observations[budget]
        if seen.model is None or seen.model_size != len(seen.losses):
            new = [self.encoding.encode(config) for config in seen.configs[seen.model_size :]]
            seen.vectors = np.vstack(new if seen.vectors is None else [seen.vectors, *new])
            rng = event_generator(self.settings.seed, Purpose.MODEL, seen.last_seq)
            seen.model = KDEModel.fit(
                seen.vectors, np.array(seen.losses), self.encoding.levels, self.settings, rng
            )
            seen.model_size = len(seen.losses)
        return seen.model

    def _from_prior(self, rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
        space = self.encoding.space
        space.seed(int(rng.integers(2**32)))
        return plain(dict(space.sample_configuration())), {"model_based_pick": False}
