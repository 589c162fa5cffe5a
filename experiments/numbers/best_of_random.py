"""What the best of n random trainings would find: computed, not sampled.

n cells are drawn as random search draws them, with replacement; the one with the lowest validation
error is the incumbent, and its test error is what is found.
"""

from __future__ import annotations

import numpy as np

MOST = 1_000_000
"""The largest n that is looked at."""


class BestOfRandom:
    """Of cells with these validation and test errors, drawn with these weights, (N,) each."""

    def __init__(self, valid: np.ndarray, test: np.ndarray, weights: np.ndarray) -> None:
        order = np.argsort(valid, kind="stable")
        ranked = valid[order]
        starts = np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])
        self._group = np.searchsorted(starts, np.arange(len(order)), "right") - 1
        self._weights = (weights / weights.sum())[order]
        self._of_group = np.add.reduceat(self._weights, starts)
        beyond = np.r_[1.0, 1 - np.cumsum(self._of_group)[:-1]].clip(0, 1)
        self._at_least = np.r_[beyond, 0.0]  # share of draws that are no better than each group
        by_test = np.argsort(test, kind="stable")
        self._test, self._by_test = test[order], np.argsort(order, kind="stable")[by_test]

    def median(self, n: int) -> float:
        """The median test error of the best of n, over what is drawn.

        Of draws that tie on validation, each is as likely to be the first.
        """
        reached = np.cumsum(self._chances(n)[self._by_test])
        place = int(np.searchsorted(reached, 0.5 * reached[-1]))
        return float(self._test[self._by_test[min(place, len(reached) - 1)]])

    def mean(self, n: int) -> float:
        """The expected test error of the best of n; ties as in `median`."""
        chances = self._chances(n)
        return float(chances @ self._test / chances.sum())

    def _chances(self, n: int) -> np.ndarray:
        """That a cell is the best of n, float (N,), in the order of `_test`."""
        powers = self._at_least**n
        of_group = (powers[:-1] - powers[1:]) / self._of_group
        chances: np.ndarray = of_group[self._group] * self._weights
        return chances

    def worth(self, test_error: float) -> int | None:
        """The least n whose median is at most this test error; None: beyond MOST.

        The median falls with n where validation agrees with test; where it does not, n is the first
        of a search by halves.
        """
        low, high = 0, 1
        while self.median(high) > test_error:
            low, high = high, 2 * high
            if high > MOST:
                return None
        while high - low > 1:
            middle = (low + high) // 2
            if self.median(middle) > test_error:
                low = middle
            else:
                high = middle
        return high
