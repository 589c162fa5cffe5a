"""The shape of the distribution of accuracies."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RESAMPLES = 999
LEVEL = 0.95
_BATCH = 37  # resamples at once: some MB where values are many


@dataclass(frozen=True)
class ShapeEstimate:
    """A number with its bootstrap interval of LEVEL (percentiles)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Shape:
    """The distribution of accuracies."""

    skewness: ShapeEstimate
    """Third standardised moment: below 0 where a long tail is on the left."""
    quartile_skewness: ShapeEstimate
    """Bowley's, in [-1, 1]: of the middle half alone, without the tails."""
    upper_half: float
    """Share of the cells in the upper half of the range of accuracies."""


def shape(accuracies: np.ndarray, rng: np.random.Generator) -> Shape:
    """The shape of N accuracies, float (N,), that are not all equal."""
    values, counts = np.unique(accuracies, return_counts=True)
    whole = counts[None].astype(float)
    # A resample of N cells is a multinomial draw of how often each value occurs.
    draws = [
        (_skewness(values, drawn), _quartile_skewness(values, drawn))
        for _ in range(RESAMPLES // _BATCH)
        for drawn in [rng.multinomial(len(accuracies), counts / counts.sum(), _BATCH)]
    ]
    moments, quartiles = (np.concatenate(column) for column in zip(*draws, strict=True))
    middle = (values[0] + values[-1]) / 2
    return Shape(
        _shape_estimate(_skewness(values, whole)[0], moments),
        _shape_estimate(_quartile_skewness(values, whole)[0], quartiles),
        upper_half=float((accuracies > middle).mean()),
    )


def _shape_estimate(value: float, resampled: np.ndarray) -> ShapeEstimate:
    low, high = np.nanquantile(resampled, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return ShapeEstimate(float(value), float(low), float(high))


def _skewness(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Skewness of samples given as counts (B, V) of values (V,), float (B,)."""
    sizes = counts.sum(1)
    # About one centre for all samples, then moved to their own means.
    centred = values - values.mean()
    first, second, third = (counts @ centred**power / sizes for power in (1, 2, 3))
    variance = second - first**2
    moved = third - 3 * first * second + 2 * first**3
    with np.errstate(invalid="ignore", divide="ignore"):
        return moved / variance**1.5


def _quartile_skewness(values: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(Q1 + Q3 - 2 Q2) / (Q3 - Q1) of samples given as counts (B, V), float (B,)."""
    cumulated = counts.cumsum(1)
    sizes = cumulated[:, -1:]
    low, middle, high = (values[(cumulated < share * sizes).sum(1)] for share in (0.25, 0.5, 0.75))
    with np.errstate(invalid="ignore", divide="ignore"):
        return (low + high - 2 * middle) / (high - low)
