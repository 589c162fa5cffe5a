"""HpBandSter's KDE generator, CG_BOHB, made reproducible."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from ConfigSpace import ConfigurationSpace
from hpbandster.core.dispatcher import Job
from hpbandster.optimizers.config_generators.bohb import BOHB as CG_BOHB

from oneshot_hpo.hpo.bohb.encoding import Encoding
from oneshot_hpo.hpo.bohb.kde_model import least_points
from oneshot_hpo.hpo.errors import InvalidSettings
from oneshot_hpo.hpo.randomness import Purpose, event_generator
from oneshot_hpo.hpo.settings import OptimizerSettings


class SeededStockGenerator(CG_BOHB):
    """CG_BOHB with its defects, except that its draws depend only on the study's seed and `seq`.

    It draws from numpy's global generator and from ConfigSpace's generator. Both are seeded for
    each call, and the global one is restored afterwards; other threads must not draw from it
    meanwhile. Raises InvalidSettings for spaces with ordinal hyperparameters, which it does not
    support.
    """

    def __init__(self, space: ConfigurationSpace, settings: OptimizerSettings) -> None:
        self.seq = 0
        self._seed = settings.seed
        self._results: list[tuple[Job, int]] = []
        self._registered = 0  # number of results passed to the stock class
        try:
            with warnings.catch_warnings(action="ignore"):
                super().__init__(
                    copy.deepcopy(space),
                    min_points_in_model=least_points(Encoding(space).dimensions, settings)
                    if settings.min_points_in_model is not None
                    else None,
                    top_n_percent=settings.top_n_percent,
                    num_samples=settings.num_samples,
                    random_fraction=settings.random_fraction,
                    bandwidth_factor=settings.bandwidth_factor,
                    min_bandwidth=settings.min_bandwidth,
                )
        except RuntimeError as error:
            raise InvalidSettings(
                f"generator 'hpbandster' refuses this space ({error}): use 'vectorised'"
            ) from None

    def new_result(self, job: Job, update_model: bool = True) -> None:
        """Store a finished job until a proposal needs the model."""
        self._results.append((job, self.seq))

    def forget_crash(self, config: dict[str, Any], budget: float) -> None:
        """Remove the crash of a configuration at a budget from the model."""
        crash = {"config": config, "budget": budget}
        place = next(
            place
            for place, (job, _) in enumerate(self._results)
            if job.result is None and job.kwargs == crash
        )
        del self._results[place]
        # The stock class cannot forget: all other results are registered again.
        for known in (self.configs, self.losses, self.kde_models):
            known.clear()
        self._registered = 0

    def get_config(self, budget: float) -> tuple[dict[str, Any], dict[str, Any]]:
        """A configuration and {"model_based_pick": whether the model proposed it}."""
        self._register_results()
        rng = event_generator(self._seed, Purpose.PROPOSAL, self.seq)
        with _seeded(rng, self.configspace):
            return super().get_config(budget)

    def _register_results(self) -> None:
        new = self._results[self._registered :]
        last = {job.kwargs["budget"]: seq for job, seq in new}
        for job, seq in new:
            with _seeded(event_generator(self._seed, Purpose.MODEL, seq), self.configspace):
                # Only the last model of a budget is ever used.
                super().new_result(job, update_model=seq == last[job.kwargs["budget"]])
        self._registered = len(self._results)


@contextmanager
def _seeded(rng: np.random.Generator, space: ConfigurationSpace) -> Iterator[None]:
    """Seed the generators of CG_BOHB, and silence its warnings of deprecated names."""
    state = np.random.get_state()  # noqa: NPY002 - the stock class draws from the global generator
    np.random.seed(int(rng.integers(2**32)))  # noqa: NPY002
    space.seed(int(rng.integers(2**32)))
    try:
        with warnings.catch_warnings(action="ignore"):
            yield
    finally:
        np.random.set_state(state)  # noqa: NPY002
