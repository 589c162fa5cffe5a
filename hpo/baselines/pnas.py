"""The predictor of PNAS (Liu et al. 2018, "Progressive Neural Architecture Search").

Of the method this is the predictor and its use: an ensemble ranks architectures, the best are
trained, the ensemble is fitted to all so far. What it ranks are the architectures of the space, all
of one size; the paper ranks cells with one block more in each round.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from oneshot_hpo.checks import number, setting
from oneshot_hpo.hpo.baselines.architectures import Unseen
from oneshot_hpo.hpo.baselines.checks import COUNT, check_settings
from oneshot_hpo.hpo.baselines.optimizer import Floats, Integers, Problem
from oneshot_hpo.hpo.baselines.perceptron import Ensemble
from oneshot_hpo.hpo.baselines.predictor_search import PredictorSearch, PredictorSettings


@dataclass(frozen=True, kw_only=True)
class PNASSettings(PredictorSettings):
    """Settings of PNAS's predictor.

    Rounds have the proportions of the paper's (136 architectures, then four times 256) within 280
    evaluations. Members, width and learning rates are the paper's, which does not say for how long
    it trains.
    """

    startup: int = setting(32, COUNT)
    """Architectures evaluated before the first fit."""
    batch: int = setting(62, COUNT)
    """K: architectures evaluated after each fit, those with the lowest predicted losses."""
    members: int = setting(5, COUNT)
    """Perceptrons of the ensemble, each fitted to all but its share of what was evaluated."""
    width: int = setting(100, COUNT)
    """Units of an embedding and of a hidden layer."""
    first_learning_rate: float = setting(0.01, number(above=0))
    """Adam's in the first round."""
    learning_rate: float = setting(0.002, number(above=0))
    """Adam's in the rounds after it."""
    steps: int = setting(200, COUNT)
    """Steps of a fit, each on all architectures evaluated."""

    def __post_init__(self) -> None:
        check_settings(self)


class PNAS(PredictorSearch):
    """Sequential model-based optimization with PNAS's ensemble of perceptrons.

    The paper's other predictor, an LSTM, reads cells of several sizes, which there are not here.
    """

    def __init__(
        self,
        problem: Problem,
        settings: PNASSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        self._settings = settings
        super().__init__(problem, settings, seeds)

    def _predicted(self, evaluated: Integers, losses: Floats, rng: np.random.Generator) -> Floats:
        settings = self._settings
        ensemble = Ensemble(
            self.problem.choices, members=settings.members, width=settings.width, rng=rng
        )
        is_first = len(evaluated) <= settings.startup
        ensemble.fit(
            self._values[evaluated],
            _in_unit_interval(losses),
            learning_rate=settings.first_learning_rate if is_first else settings.learning_rate,
            steps=settings.steps,
        )
        return ensemble.predict(self._values)

    def _chosen(self, order: Integers, unseen: Unseen, rng: np.random.Generator) -> list[int]:
        return unseen.among(order)[: self._settings.batch].tolist()

    @cached_property
    def _values(self) -> Integers:
        return self._architectures.values()


def _in_unit_interval(losses: Floats) -> Floats:
    """Losses as the sigmoid can give them: errors as they are, others scaled."""
    low, high = min(losses.min(), 0.0), max(losses.max(), 1.0)
    return (losses - low) / (high - low)
