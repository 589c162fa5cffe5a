"""What continuing promoted trials is worth: simulated studies in both ways, at equal cost.

The quality of a configuration is the result of a search at the largest budget with a fresh seed, in
deviations between configurations; it and the scores on a rung are normal, with the correlation that
the pilot measured. Searches that begin anew have independent errors on each rung. The errors of one
search that goes on are taken to be the same on all of them, which is the worst for continuing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from oneshot_hpo.experiments.analyze.ranks import Array
from oneshot_hpo.hpo.brackets import Rung, bracket, rung_budgets
from oneshot_hpo.hpo.settings import OptimizerSettings

STUDIES = 200
"""Simulated studies."""
_CYCLES = 3
"""Rounds through the kinds of brackets, at most: more change little, and take long."""
_HIGHEST = 0.99

Correlations = Mapping[int | float, float]
"""Pearson's, of the scores at each budget with the quality."""


@dataclass(frozen=True)
class Draws:
    """The random numbers of the simulated studies, the same for all correlations and both ways.

    For each bracket, quality (STUDIES, n) and errors (rungs, STUDIES, n) of its configurations.
    """

    brackets: Sequence[tuple[Sequence[Rung], Array, Array]]
    restarting: int
    """Brackets of a study whose promoted trials begin again."""
    continuing: float
    """Brackets that cost the same if they go on."""

    @classmethod
    def of(cls, settings: OptimizerSettings, saved: float, rng: np.random.Generator) -> Draws:
        """saved: the share of the cost that continuing saves, in [0, 1)."""
        restarting = min(settings.iterations, _CYCLES * len(rung_budgets(settings)))
        continuing = restarting / (1 - saved)
        brackets = []
        for number in range(int(np.ceil(continuing))):
            rungs = bracket(settings, number)
            shape = STUDIES, rungs[0].size
            errors = rng.normal(size=(len(rungs), *shape))
            brackets.append((rungs, rng.normal(size=shape), errors))
        return cls(brackets, restarting, continuing)


def gain(draws: Draws, restarted: Correlations, continued: Correlations) -> float:
    """How much better the final configuration is if promoted trials continue, in deviations."""
    before = _best(draws, restarted, shares_errors=False)
    after = _best(draws, continued, shares_errors=True)
    whole = int(draws.continuing)
    rest = draws.continuing - whole
    last = after[min(whole, len(after) - 1)]
    return float((1 - rest) * after[whole - 1] + rest * last - before[draws.restarting - 1])


def _best(draws: Draws, correlations: Correlations, *, shares_errors: bool) -> Array:
    """Mean quality of the configuration with the best score on top, after each bracket, (K,)."""
    best_score = np.full(STUDIES, -np.inf)
    best_quality = np.zeros(STUDIES)
    means = []
    for rungs, quality, errors in draws.brackets:
        score, found = _halved(rungs, quality, errors, correlations, shares_errors)
        better = score > best_score
        best_score = np.where(better, score, best_score)
        best_quality = np.where(better, found, best_quality)
        means.append(best_quality.mean())
    return np.array(means)


def _halved(
    rungs: Sequence[Rung],
    quality: Array,
    errors: Array,
    correlations: Correlations,
    shares_errors: bool,
) -> tuple[Array, Array]:
    """Successive halving: score on the top rung and quality of the best one, (STUDIES,) each."""
    studies = np.arange(STUDIES)[:, None]
    left = np.tile(np.arange(quality.shape[1]), (STUDIES, 1))
    score = quality
    for place, rung in enumerate(rungs):
        r = min(max(correlations[rung.budget], 0.0), _HIGHEST)
        error = errors[0 if shares_errors else place]
        all_scores = r * quality + np.sqrt(1 - r * r) * error
        score = all_scores[studies, left]
        size = rungs[place + 1].size if place + 1 < len(rungs) else 1
        kept = np.argsort(-score, axis=1)[:, :size]
        left, score = left[studies, kept], score[studies, kept]
    return score[:, 0], quality[studies, left][:, 0]
