"""Finds the best of several samples and those that are worse, by rank tests of all pairs.

The best one is chosen by the data that it is then tested on. So p values are corrected for all
pairs, and hold whichever one was chosen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.experiments.compare.rank_tests import holm, least_p_value
from oneshot_hpo.experiments.compare.statistics import compare_ranks
from oneshot_hpo.experiments.numbers.sample import Sample, matched, shared_standing

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Ranking:
    """Results of the tests, each (k, k) for k samples."""

    effects: Array
    """Rank-biserial correlation, above 0 where the row's sample is better."""
    p_values: Array
    """For all pairs together (Holm)."""
    least: Array
    """The lowest p values possible with these numbers of seeds."""

    @property
    def scores(self) -> Array:
        """(k,) mean effects against the others: the highest is the best."""
        scores: Array = self.effects.sum(1) / max(1, len(self.effects) - 1)
        return scores


def rank_samples(samples: Sequence[Sample], seed: int) -> Ranking:
    """Test all pairs of k samples; seed: of permutations, reset for each pair."""
    size = len(samples)
    effects, p_values, least = np.zeros((size, size)), np.ones((size, size)), np.ones((size, size))
    rows, columns = np.triu_indices(size, 1)

    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        first, second, paired = matched(samples[row], samples[column])
        found = compare_ranks(
            first,
            second,
            paired=paired,
            rng=np.random.default_rng(seed),
            standing=shared_standing(samples[row], samples[column]),
        )
        effects[row, column], effects[column, row] = found.effect, -found.effect
        p_values[row, column] = found.p_value
        least[row, column] = len(rows) * least_p_value(len(first), len(second), paired=paired)

    p_values[rows, columns] = holm(p_values[rows, columns])
    for symmetric in (p_values, least):
        symmetric[columns, rows] = symmetric[rows, columns]
    return Ranking(effects, p_values, least)
