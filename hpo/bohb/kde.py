"""Multivariate kernel density estimation over numbers and categories, for many points at once.

The estimator of Racine & Li (2004) as HpBandSter takes it from statsmodels: a product of Gaussian
kernels (numbers in the unit interval) and Aitchison-Aitken kernels (unordered categories), with
the normal reference rule for all bandwidths. Two things differ from statsmodels. A category has
its true number of levels, not the number seen in the data. Its bandwidth is at most (k - 1) / k,
where the kernel is uniform: a larger one would prefer unobserved levels and lead to negative
densities.

One questionable property is kept: the rule uses the standard deviation of a category's level
numbers, which depends on the order of its levels, although the kernel does not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

Array = NDArray[np.float64]

_BLOCK = 1024
"""Observations per block: their kernels at 64 points then fit in the processor's cache."""


def normal_reference_bandwidths(data: Array, mean: Array) -> Array:
    """(d,) bandwidths 1.06 * std * n**(-1 / (4 + d)) for (n, d) observations (Scott's rule).

    mean: (d,), the mean of the observations.
    """
    n, d = data.shape
    return 1.06 * np.std(data, axis=0, mean=mean[None]) * n ** (-1.0 / (4 + d))


class ProductKernelDensity:
    """Density of (n, d) observations without NaN.

    levels: (d,), the number of values of a category, whose observations are 0, …, levels - 1, or 0
    for a number in [0, 1]. min_bandwidth: lower bound of all bandwidths.
    """

    def __init__(self, data: Array, levels: NDArray[np.int64], min_bandwidth: float) -> None:
        self.data = data
        self.levels = levels
        self._categories = levels > 0
        self._mean = data.mean(axis=0)
        bandwidths = np.maximum(normal_reference_bandwidths(data, self._mean), min_bandwidth)
        k = levels[self._categories]
        bandwidths[self._categories] = np.minimum(bandwidths[self._categories], (k - 1) / k)
        self.bandwidths = bandwidths
        """(d,)"""

    def density(self, points: Array) -> Array:
        """(m,) densities at (m, d) points."""
        total = np.zeros(len(points))
        for start in range(0, len(self.data), _BLOCK):
            total += self._kernels(points, self.data[start : start + _BLOCK]).sum(axis=1)
        return total / len(self.data)

    def _kernels(self, points: Array, data: Array) -> Array:
        """(m, n) products over the dimensions of the kernels of n observations at m points."""
        kernels = self._gaussian_kernels(points, data)
        for j in np.flatnonzero(self._categories):
            h, k = self.bandwidths[j], self.levels[j]
            same = points[:, j, None] == data[None, :, j]
            kernels *= np.where(same, 1 - h, h / (k - 1))
        return kernels

    def _gaussian_kernels(self, points: Array, data: Array) -> Array:
        """(m, n) products of the kernels of the numbers alone."""
        widths = self.bandwidths[~self._categories]
        x = (points - self._mean)[:, ~self._categories] / widths
        y = (data - self._mean)[:, ~self._categories] / widths
        # -|x - y|²/2 = x·y - |x|²/2 - |y|²/2 as one matrix product; centred, it loses no digits.
        left = np.column_stack([x, -0.5 * (x * x).sum(axis=1), np.ones(len(x))])
        right = np.column_stack([y, np.ones(len(y)), -0.5 * (y * y).sum(axis=1)])
        exponent = left @ right.T
        return np.exp(exponent, out=exponent) * np.prod(1 / (np.sqrt(2 * np.pi) * widths))

    def draw(self, m: int, bandwidth_factor: float, rng: np.random.Generator) -> Array:
        """(m, d) points from the density, widened by `bandwidth_factor` along the numbers.

        Numbers come from Gaussians truncated to [0, 1], by inverting their distribution function.
        """
        centres = self.data[rng.integers(len(self.data), size=m)]
        points = np.empty_like(centres)

        numbers = ~self._categories
        mean, scale = centres[:, numbers], self.bandwidths[numbers] * bandwidth_factor
        low, high = ndtr((0 - mean) / scale), ndtr((1 - mean) / scale)
        quantile = low + rng.random(mean.shape) * (high - low)
        points[:, numbers] = np.clip(mean + scale * ndtri(quantile), 0, 1)

        observed = centres[:, self._categories]
        keep = rng.random(observed.shape) < 1 - self.bandwidths[self._categories]
        anything = rng.integers(np.broadcast_to(self.levels[self._categories], observed.shape))
        points[:, self._categories] = np.where(keep, observed, anything)
        return points


def expected_improvement_order(
    good: Array, bad: Array, log_factor: Array | None = None
) -> NDArray[np.intp]:
    """Indices of candidates by increasing ratio bad / good (decreasing expected improvement).

    good, bad: (m,) densities, both floored at 1e-32. log_factor: (m,) logarithms of factors on the
    improvement. Ties keep their order.
    """
    ratio = np.maximum(bad, 1e-32) / np.maximum(good, 1e-32)
    if log_factor is not None:
        ratio = np.log(ratio) - log_factor
    return np.argsort(ratio, kind="stable")
