"""RobustDARTS's early stopping (Zela et al., ICLR 2020, section 4.3): a rule on eigenvalues."""

from __future__ import annotations

import math
from collections.abc import Sequence

from oneshot_hpo.searchers.records import EpochRecord
from oneshot_hpo.searchers.settings import EIGENVALUE, SearchSettings

WINDOW = 5
"""Epochs over which eigenvalues are averaged, centred (paper: 5)."""
LAG = 5
"""Epochs between the two averages that are compared (paper: k = 5)."""


def early_stop(
    settings: SearchSettings, trajectory: Sequence[EpochRecord], eigenvalue: float | None
) -> int | None:
    """The epoch to whose architecture a search returns now; None: it goes on.

    trajectory: the epochs before this one. eigenvalue: of this one.
    """
    if settings.early_stop != EIGENVALUE:
        return None
    so_far = [record.diagnosis for record in trajectory]
    values = [None if one is None else one.eigenvalue for one in so_far]
    known = [math.nan if value is None else value for value in (*values, eigenvalue)]
    return stop_epoch(known, settings.stop_growth, settings.stop_start)


def stop_epoch(eigenvalues: Sequence[float], growth: float, start: int) -> int | None:
    """The epoch to whose architecture the search returns; None: it goes on.

    eigenvalues: the dominant one after each epoch so far; epoch 1 is the first. growth: the search
    stops when the average around an epoch is more than `growth` times that LAG epochs before, and
    returns to the latter. start: epochs that it never returns to, the first ones (authors' code:
    10). An average around one of the first epochs is over those that there are; the last average
    is around the epoch WINDOW // 2 before the last. One that is not positive is no growth.
    """
    half = WINDOW // 2
    now = len(eigenvalues) - half
    before = now - LAG
    if before <= start:
        return None
    later, earlier = _average(eigenvalues, now, half), _average(eigenvalues, before, half)
    return before if earlier > 0 and later > growth * earlier else None


def _average(eigenvalues: Sequence[float], epoch: int, half: int) -> float:
    around = eigenvalues[max(0, epoch - 1 - half) : epoch + half]
    return sum(around) / len(around)
