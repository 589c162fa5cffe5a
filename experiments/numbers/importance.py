"""What each hyperparameter contributes to the validation error: fANOVA and partial dependence.

fANOVA (Hutter et al., 2014) is computed by Optuna, partial dependence (Friedman, 2001) by
scikit-learn. Both use random forests on configurations that ConfigSpace scales to [0, 1], so a
logarithmic hyperparameter is logarithmic here too.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.errors import NotEnoughData
from oneshot_hpo.experiments.numbers.configurations import AxisScale, axis_scales, unit_places
from oneshot_hpo.experiments.numbers.sources import successful_trials, trials_by_budget
from oneshot_hpo.experiments.numbers.spread import Spread, spread
from oneshot_hpo.experiments.objectives.section import VALIDATION
from oneshot_hpo.experiments.study.opened import OpenedStudy
from oneshot_hpo.hpo.bohb.encoding import Encoding

Array = NDArray[np.float64]

LEAST_TRIALS = 12
"""The smallest number of trials of a budget for a forest."""
FORESTS = 5
"""Forests with seeds 0 to 4, to show how much of an importance is chance."""
_TREES = 128
_GRID = 40  # points of a partial dependence


@dataclass(frozen=True, eq=False)
class BudgetImportance:
    """The N trials of one budget that did not crash, explained by d hyperparameters."""

    budget: int | float
    """In epochs."""
    trials: int
    """N."""
    crashed: int
    """Trials that crashed, which are left out."""
    importance: Spread
    """Share of the forest's variance that is each hyperparameter's own effect, x = 0 .. d - 1,
    median and quartiles over FORESTS forests."""
    explained: float
    """Out-of-bag R² of a forest's predictions. At 0 or below it predicts nothing, and importances
    mean nothing."""
    dependence: list[Spread]
    """By hyperparameter, the predicted validation error at x in [0, 1], as a share: median and
    quartiles over FORESTS forests, each the mean over the trials' other hyperparameters."""


@dataclass(frozen=True, eq=False)
class Importance:
    """The importances of one study."""

    axes: list[AxisScale]
    """d hyperparameters."""
    budgets: list[BudgetImportance]
    """Budgets with at least LEAST_TRIALS trials, ascending."""
    default: Array
    """(d,) the default configuration, scaled to [0, 1]."""
    notes: list[str]
    """Budgets that are left out, a sentence each."""
    measure: str = VALIDATION
    """What is minimised (`OpenedStudy.measure`)."""


def importance(study: OpenedStudy) -> Importance:
    """The importances of a study by budget.

    NotEnoughData: too few trials at every budget, or nothing was tuned.
    """
    encoding = Encoding(study.view.space)
    if not encoding.dimensions:
        raise NotEnoughData(f"{study.source}: the study tunes no hyperparameter")

    results = successful_trials(study)
    found, notes = [], []
    for budget in sorted({trial.budget for trial, _ in study.view.evaluations}):
        here = [(trial, result) for trial, result in results if trial.budget == budget]
        total = sum(trial.budget == budget for trial, _ in study.view.evaluations)
        x = unit_places(encoding, [trial.config for trial, _ in here])
        y = np.array([result.loss for _, result in here], float)
        if len(here) < LEAST_TRIALS:
            notes.append(
                f"{study.source}: {len(here)} of the trials with {budget:g} epochs did not crash, "
                f"importance needs {LEAST_TRIALS}"
            )
        elif np.ptp(y) == 0:
            notes.append(f"{study.source}: all errors after {budget:g} epochs are equal")
        else:
            crashed = total - len(here)
            found.append(_at_budget(budget, x.shape, x.tobytes(), y.tobytes(), crashed))

    if not found:
        raise NotEnoughData(
            f"{study.source}: importance needs {LEAST_TRIALS} trials of one budget that did not "
            f"crash, with unequal errors; there are {trials_by_budget(results)}"
        )
    default = unit_places(encoding, [dict(study.view.space.get_default_configuration())])[0]
    return Importance(axis_scales(study), found, default, notes, study.measure)


@functools.lru_cache(maxsize=8)
def _at_budget(
    budget: int | float, shape: tuple[int, ...], configs: bytes, losses: bytes, crashed: int
) -> BudgetImportance:
    """The importances at one budget, from the bytes of (n, d) configurations and n losses.

    It takes a second. It is remembered by its numbers, so that a page that is written anew while
    its study runs computes only the budget that has another result.
    """
    from sklearn.ensemble import RandomForestRegressor
    from sklearn.inspection import partial_dependence

    x, y = np.frombuffer(configs).reshape(shape), np.frombuffer(losses).copy()
    # An inactive hyperparameter has no value: the middle of its range is neutral.
    x = np.where(np.isnan(x), 0.5, x)
    dimensions = x.shape[1]
    grids = [np.linspace(x[:, d].min(), x[:, d].max(), _GRID) for d in range(dimensions)]
    curves = np.empty((FORESTS, dimensions, _GRID))
    explained = []
    for seed in range(FORESTS):
        forest = RandomForestRegressor(
            _TREES, min_samples_leaf=2, oob_score=True, random_state=seed
        )
        forest.fit(x, y)
        explained.append(forest.oob_score_)
        for d, grid in enumerate(grids):
            average = partial_dependence(
                forest, x, [d], custom_values={d: grid}, method="recursion", kind="average"
            )
            curves[seed, d] = average["average"][0]
    return BudgetImportance(
        budget=budget,
        trials=len(y),
        crashed=crashed,
        importance=spread(np.arange(dimensions, dtype=float), _fanova(x, y)),
        explained=float(np.median(explained)),
        dependence=[spread(grids[d], curves[:, d]) for d in range(dimensions)],
    )


def _fanova(x: Array, y: Array) -> Array:
    """Shares of variance by Optuna's fANOVA, (FORESTS, d)."""
    import optuna
    from optuna.distributions import FloatDistribution
    from optuna.importance import FanovaImportanceEvaluator

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    names = [str(d) for d in range(x.shape[1])]
    study = optuna.create_study()
    study.add_trials(
        [
            optuna.trial.create_trial(
                params=dict(zip(names, map(float, row), strict=True)),
                distributions={name: FloatDistribution(0.0, 1.0) for name in names},
                value=float(value),
            )
            for row, value in zip(x, y, strict=True)
        ]
    )
    found = []
    for seed in range(FORESTS):
        shares = FanovaImportanceEvaluator(seed=seed).evaluate(study)
        found.append([shares[name] for name in names])
    return np.array(found)
