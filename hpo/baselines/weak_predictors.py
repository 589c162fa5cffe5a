"""Weak predictors (Wu et al. 2021, "Stronger NAS with Weaker Predictors")."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from oneshot_hpo.checks import one_of, setting
from oneshot_hpo.hpo.baselines.architectures import Unseen
from oneshot_hpo.hpo.baselines.checks import COUNT, check_settings
from oneshot_hpo.hpo.baselines.optimizer import Floats, Integers, Problem
from oneshot_hpo.hpo.baselines.predictor_search import PredictorSearch, PredictorSettings

MLP, FOREST = "mlp", "forest"


@dataclass(frozen=True, kw_only=True)
class WeakPredictorsSettings(PredictorSettings):
    """Settings of weak predictors; the defaults are those of the authors' code on NAS-Bench-101.

    On NAS-Bench-201 they start with 10 architectures.
    """

    top: int = setting(100, COUNT)
    """A batch is drawn among so many of the architectures with the lowest predicted losses."""
    predictor: str = setting(MLP, one_of(MLP, FOREST))
    """mlp: a multilayer perceptron. forest: a random forest."""
    layers: int = setting(4, COUNT)
    """Hidden layers of the perceptron."""
    width: int = setting(1000, COUNT)
    """Units of each of them."""
    epochs: int = setting(100, COUNT)
    """Most epochs of a fit of the perceptron, with Adam at scikit-learn's defaults."""
    trees: int = setting(1000, COUNT)
    """Trees of the forest."""
    depth: int = setting(10, COUNT)
    """Most levels of a tree."""

    def __post_init__(self) -> None:
        check_settings(self)


class WeakPredictors(PredictorSearch):
    """Each fit looks only at what the one before ranked high, so a weak predictor is enough.

    Inputs are indicators of the values of a configuration. Losses are standardised by those
    evaluated so far (the authors' code by those of the whole table). The predictors are
    scikit-learn's, as theirs are; their gradient-boosted trees are left out.
    """

    def __init__(
        self,
        problem: Problem,
        settings: WeakPredictorsSettings,
        seeds: Sequence[np.random.SeedSequence],
    ) -> None:
        self._settings = settings
        super().__init__(problem, settings, seeds)

    def _predicted(self, evaluated: Integers, losses: Floats, rng: np.random.Generator) -> Floats:
        standardised = (losses - losses.mean()) / (losses.std() or 1.0)
        model = self._model(int(rng.integers(1 << 31)))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the epochs end before it has converged: it is weak
            model.fit(self._inputs[evaluated], standardised)
        predicted: Floats = model.predict(self._inputs)
        return predicted

    def _chosen(self, order: Integers, unseen: Unseen, rng: np.random.Generator) -> list[int]:
        promising = unseen.among(order[: self._settings.top])
        if len(promising) < self._settings.batch:
            return unseen.among(order)[: self._settings.batch].tolist()
        drawn = rng.choice(promising, self._settings.batch, replace=False)
        return [int(architecture) for architecture in drawn]

    def _model(self, seed: int) -> Any:
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.neural_network import MLPRegressor

        settings = self._settings
        if settings.predictor == FOREST:
            return RandomForestRegressor(
                n_estimators=settings.trees, max_depth=settings.depth, random_state=seed
            )
        return MLPRegressor(
            hidden_layer_sizes=(settings.width,) * settings.layers,
            max_iter=settings.epochs,
            random_state=seed,
        )

    @cached_property
    def _inputs(self) -> np.ndarray:
        return self._architectures.one_hot()
