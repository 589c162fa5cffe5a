"""The noise of evaluations: that of repeated ones, or what neighbours of single ones leave.

For single evaluations a Gaussian process with noise is fitted to the losses: configurations that
are near each other should have losses near each other, and what remains is noise. Its length scale
and the share of the noise are averaged over their posterior (restricted likelihood, Patterson &
Thompson 1971).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.hpo.shrinkage import SeedNoise

Array = NDArray[np.float64]

LEAST = 8
"""Evaluations below which nothing can be said."""
LEAST_REPEATS = 5
"""Repeats below which their own deviation says too little."""

_NEGLIGIBLE = 1e-6
"""Noise, relative to the range of losses, that is none."""

_LENGTHS = np.geomspace(0.15, 4.8, 11)
"""Length scales, relative to the root of the number of dimensions."""
_RATIOS = np.concatenate([[0.0], np.geomspace(0.03, 1e5, 31)])
"""Variances of the smooth part over that of the noise."""


def smooth_noise(vectors: Array, losses: Array, levels: NDArray[np.int64]) -> SeedNoise | None:
    """The noise of (n,) losses at (n, d) encoded configurations.

    levels: (d,), as in `Encoding`; NaN in `vectors` is an inactive hyperparameter.
    None: there are fewer than LEAST evaluations, or their losses show no noise.
    """
    if len(losses) < LEAST or np.ptp(losses) == 0:
        return None
    distances = _squared_distances(vectors, levels)
    values = _without_outliers(losses)

    logs, variances = [], []
    for length in _LENGTHS:
        kernel = np.exp(-distances / (2 * length**2 * vectors.shape[1]))
        each, own = _restricted_likelihoods(kernel, values)
        logs.append(each)
        variances.append(own)
    weights = np.exp(np.array(logs) - np.max(logs))
    weights /= weights.sum()

    deviations = 0.5 * np.log(np.maximum(variances, np.finfo(float).tiny))
    mean = float((weights * deviations).sum())
    squares = float((weights * (deviations - mean) ** 2).sum()) + _of_variance(len(losses) - 1)
    noise = SeedNoise(math.exp(mean), math.sqrt(squares))
    return noise if noise.deviation > _NEGLIGIBLE * np.ptp(losses) else None


def repeated_noise(losses: Sequence[Sequence[float]]) -> SeedNoise | None:
    """The noise of configurations that were evaluated several times, pooled.

    losses: those of each configuration. None: fewer than LEAST_REPEATS of them are repeats.
    """
    repeats = sum(len(own) - 1 for own in losses)
    if repeats < LEAST_REPEATS:
        return None
    squares = float(sum(np.var(own) * len(own) for own in losses))
    if squares == 0:
        return None
    return SeedNoise(math.sqrt(squares / repeats), math.sqrt(_of_variance(repeats)))


def _of_variance(degrees: int) -> float:
    """The variance of the logarithm of a deviation that is known with degrees of freedom."""
    return 1 / (2 * degrees)


def _restricted_likelihoods(kernel: Array, values: Array) -> tuple[Array, Array]:
    """For each of the R ratios the log likelihood (R,) and the most likely noise variance (R,)."""
    centred = kernel - kernel.mean(0) - kernel.mean(1)[:, None] + kernel.mean()
    eigenvalues, axes = np.linalg.eigh(centred)
    # The first axis is that of the mean, which has no part in the restricted likelihood.
    constant = int(np.abs(axes.sum(0)).argmax())
    spectrum = np.maximum(np.delete(eigenvalues, constant), 0)
    squares = np.delete(axes.T @ (values - values.mean()), constant) ** 2

    scales = 1 + _RATIOS[:, None] * spectrum
    noise = (squares / scales).mean(1)
    logs = -0.5 * (np.log(scales).sum(1) + len(squares) * np.log(noise))
    return logs, noise


def _squared_distances(vectors: Array, levels: NDArray[np.int64]) -> Array:
    """(n, n): numbers differ by their distance, categories by 1, an inactive value by 1/2."""
    differences = vectors[:, None] - vectors
    differences[..., levels > 0] = differences[..., levels > 0] != 0
    inactive = np.isnan(vectors)
    differences[inactive[:, None] != inactive] = 0.5
    differences[inactive[:, None] & inactive] = 0
    squared: Array = (differences**2).sum(2)
    return squared


def _without_outliers(losses: Array) -> Array:
    """Losses with the far worse ones moved nearer: they would hide the noise of good ones."""
    median = np.median(losses)
    return np.minimum(losses, median + 3 * (median - losses.min()))
