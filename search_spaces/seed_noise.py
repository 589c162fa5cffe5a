"""The noise of a cell's error between training seeds, among good cells."""

from __future__ import annotations

import numpy as np

GOOD_SHARE = 0.1
"""Share of cells that count as good; bad ones, whose training may diverge, are much noisier."""


def seed_noise(errors: np.ndarray, means: np.ndarray) -> float | None:
    """The standard deviation of an error between trainings of one cell, pooled over good cells.

    errors: (N, R), R repeats of each cell, NaN where one is absent; means: (N,). The good ones are
    the GOOD_SHARE with the lowest means; of equals, the first.
    None if there is a single repeat.
    """
    if errors.shape[1] < 2:
        return None
    count = max(1, round(GOOD_SHARE * len(errors)))
    good = np.argsort(means, kind="stable")[:count]
    chosen = errors[good]
    if np.isnan(chosen).any():
        chosen = chosen[(~np.isnan(chosen)).sum(1) > 1]
        return float(np.sqrt(np.nanvar(chosen, 1, ddof=1).mean())) if len(chosen) else None
    return float(np.sqrt(chosen.var(1, ddof=1).mean()))
