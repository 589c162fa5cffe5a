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
from hpo.errors import InvalidSettings
from hpo.kde import ProductKernelDensity, expected_improvement_order
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
    model: tuple[ProductKernelDensity, ProductKernelDensity] | None = None


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
        self.min_points = least_points(self.encoding.dimensions, settings)
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
        good, bad = self.model(model_budget)
        candidates = good.draw(self.settings.num_samples, self.settings.bandwidth_factor, rng)
        for i in expected_improvement_order(good.density(candidates), bad.density(candidates)):
            try:
                return self.encoding.decode(candidates[i]), {"model_based_pick": True}
            except ValueError:  # the space forbids it: the next best one
                continue
        return self._from_prior(rng)

    def largest_budget_with_model(self) -> float | None:
        """The largest budget with more good and more bad observations than dimensions."""
        ready = [
            budget
            for budget, observations in self._observations.items()
            if min(self._split_sizes(len(observations.losses))) > self.encoding.dimensions
        ]
        return max(ready, default=None)

    def model(self, budget: float) -> tuple[ProductKernelDensity, ProductKernelDensity]:
        """The densities of the good and of the bad configurations at a budget."""
        seen = self._observations[budget]
        if seen.model is None or seen.model_size != len(seen.losses):
            new = [self.encoding.encode(config) for config in seen.configs[seen.model_size :]]
            seen.vectors = np.vstack(new if seen.vectors is None else [seen.vectors, *new])
            good, bad = self._split(seen.vectors, np.array(seen.losses))
            rng = event_generator(self.settings.seed, Purpose.MODEL, seen.last_seq)
            levels, min_bandwidth = self.encoding.levels, self.settings.min_bandwidth
            seen.model = (
                ProductKernelDensity(impute(good, levels, rng), levels, min_bandwidth),
                ProductKernelDensity(impute(bad, levels, rng), levels, min_bandwidth),
            )
            seen.model_size = len(seen.losses)
        return seen.model

    def _split_sizes(self, n: int) -> tuple[int, int]:
        """Of n observations, how many are modelled as good and how many as bad."""
        top = self.settings.top_n_percent
        good = min(max(self.min_points, top * n // 100), n)
        bad = min(max(self.min_points, (100 - top) * n // 100), n - good)
        return good, bad

    def _split(self, vectors: Array, losses: Array) -> tuple[Array, Array]:
        # An unstable sort would break ties by the processor's vector instructions.
        order = np.argsort(losses, kind="stable")
        good, bad = self._split_sizes(len(losses))
        return vectors[order[:good]], vectors[order[good : good + bad]]

    def _from_prior(self, rng: np.random.Generator) -> tuple[dict[str, Any], dict[str, Any]]:
        space = self.encoding.space
        space.seed(int(rng.integers(2**32)))
        return plain(dict(space.sample_configuration())), {"model_based_pick": False}


def least_points(dimensions: int, settings: OptimizerSettings) -> int:
    """Observations that a model needs: dimensions + 1 unless the settings ask for more."""
    points = settings.min_points_in_model
    if points is None:
        return dimensions + 1
    if points <= dimensions:
        raise InvalidSettings(
            f"min_points_in_model must be at least {dimensions + 1} in a space of {dimensions} "
            f"dimensions, not {points}"
        )
    return points


def impute(vectors: Array, levels: NDArray[np.int64], rng: np.random.Generator) -> Array:
    """(n, d) vectors with every NaN (inactive hyperparameter) filled.

    As long as a row has a NaN, all its NaNs are overwritten by those columns of a random row in
    which the first of them is active; if there is none, the first one is filled with a random legal
    value. Rows with the same first NaN are filled together.
    """
    filled = vectors.copy()
    while (missing := np.isnan(filled)).any():
        column = int(missing.any(axis=0).argmax())  # the first NaN of every row that has one here
        rows = np.flatnonzero(missing[:, column])
        donors = np.flatnonzero(np.isfinite(vectors[:, column]))
        if donors.size:
            values = vectors[rng.choice(donors, size=len(rows))]
            filled[rows] = np.where(missing[rows], values, filled[rows])
        elif levels[column] == 0:
            filled[rows, column] = rng.random(len(rows))
        else:
            filled[rows, column] = rng.integers(levels[column], size=len(rows))
    return filled
