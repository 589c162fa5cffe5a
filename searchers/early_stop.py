"""RobustDARTS's early stopping (Zela et al., ICLR 2020, section 4.3): a rule on eigenvalues."""

from __future__ import annotations

from collections.abc import Sequence

WINDOW = 5
"""Epochs over which eigenvalues are averaged, centred (paper: 5)."""
LAG = 5
"""Epochs between the two averages that are compared (paper: k = 5)."""


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
