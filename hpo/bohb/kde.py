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
_ROUNDING = 1 + 1e-6
"""More than two ways of summing the same kernels can differ."""


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
        self._has_categories = bool(self._categories.any())
        # All columns as a slice, which copies nothing.
        self._numbers = ~self._categories if self._has_categories else slice(None)
        self._mean = data.mean(axis=0)
        bandwidths = np.maximum(normal_reference_bandwidths(data, self._mean), min_bandwidth)
        if self._has_categories:
            k = levels[self._categories]
            bandwidths[self._categories] = np.minimum(bandwidths[self._categories], (k - 1) / k)
        self.bandwidths = bandwidths
        """(d,)"""
        self._widths = bandwidths[self._numbers]
        self._peak = np.prod(1 / (np.sqrt(2 * np.pi) * self._widths))

    def density(self, points: Array) -> Array:
        """(m,) densities at (m, d) points."""
        total = np.zeros(len(points))
        for block in self.blocks():
            total += self.kernel_sums(points, block)
        return total / len(self.data)

    def blocks(self) -> list[Array]:
        """The observations in blocks of (up to) _BLOCK, one after the other."""
        return [self.data[i : i + _BLOCK] for i in range(0, len(self.data), _BLOCK)]

    def kernel_sums(self, points: Array, block: Array) -> Array:
        """(m,) sums of the kernels of a block of observations at (m, d) points."""
        kernels = self._gaussian_kernels(points, block)
        if self._has_categories:
            for j in np.flatnonzero(self._categories):
                h, k = self.bandwidths[j], self.levels[j]
                same = points[:, j, None] == block[None, :, j]
                kernels *= np.where(same, 1 - h, h / (k - 1))
        return kernels.sum(axis=1)

    def _gaussian_kernels(self, points: Array, data: Array) -> Array:
        """(m, n) products of the kernels of the numbers alone."""
        x = (points - self._mean)[:, self._numbers] / self._widths
        y = (data - self._mean)[:, self._numbers] / self._widths
        # -|x - y|²/2 = x·y - |x|²/2 - |y|²/2 as one matrix product; centred, it loses no digits.
        left, right = _with_two_columns(x), _with_two_columns(y)
        np.multiply(-0.5, (x * x).sum(axis=1), out=left[:, -2])
        np.multiply(-0.5, (y * y).sum(axis=1), out=right[:, -1])
        exponent = left @ right.T
        np.exp(exponent, out=exponent)
        exponent *= self._peak
        return exponent

    def draw(self, m: int, bandwidth_factor: float, rng: np.random.Generator) -> Array:
        """(m, d) points from the density, widened by `bandwidth_factor` along the numbers.

        Numbers come from Gaussians truncated to [0, 1], by inverting their distribution function.
        """
        centres = self.data[rng.integers(len(self.data), size=m)]
        points = np.empty_like(centres)

        mean, scale = centres[:, self._numbers], self._widths * bandwidth_factor
        low, high = ndtr((0 - mean) / scale), ndtr((1 - mean) / scale)
        quantile = low + rng.random(mean.shape) * (high - low)
        points[:, self._numbers] = np.clip(mean + scale * ndtri(quantile), 0, 1)
        if not self._has_categories:
            return points

        observed = centres[:, self._categories]
        keep = rng.random(observed.shape) < 1 - self.bandwidths[self._categories]
        anything = rng.integers(np.broadcast_to(self.levels[self._categories], observed.shape))
        points[:, self._categories] = np.where(keep, observed, anything)
        return points


def _with_two_columns(matrix: Array) -> Array:
    """(n, d) as (n, d + 2), with ones in the new columns."""
    wider = np.ones((len(matrix), matrix.shape[1] + 2))
    wider[:, :-2] = matrix
    return wider


def expected_improvement_order(
    good: Array, bad: Array, log_factor: Array | None = None
) -> NDArray[np.intp]:
    """Indices of candidates by increasing ratio bad / good (decreasing expected improvement).

    good, bad: (m,) densities, both floored at 1e-32. log_factor: (m,) logarithms of factors on the
    improvement. Ties keep their order.
    """
    return np.argsort(_ratio(good, bad, log_factor), kind="stable")


def most_promising(
    points: Array, good: Array, bad: ProductKernelDensity, log_factor: Array | None = None
) -> int:
    """The first index in the order of expected improvement of (m, d) candidates.

    good: (m,) densities. The bad density is summed to its end only where that can matter: sums of
    kernels grow, so a candidate that is already worse than another one in the end is left out.
    After the first block of observations few are left, which keeps large studies quick.
    """

    def ratio(of: NDArray[np.intp], sums: Array) -> Array:
        factor = None if log_factor is None else log_factor[of]
        return _ratio(good[of], sums / len(bad.data), factor)

    blocks = bad.blocks()
    left = np.arange(len(points))
    sums = bad.kernel_sums(points, blocks[0])
    if len(blocks) > 1:
        likely = left[[ratio(left, sums).argmin()]]
        whole = bad.density(points[likely]) * len(bad.data)
        limit = ratio(likely, whole * _ROUNDING)

    for block in blocks[1:]:
        kept = ratio(left, sums) <= limit
        left = left[kept]
        sums = sums[kept] + bad.kernel_sums(points[left], block)
    return int(left[ratio(left, sums).argmin()])


def _ratio(good: Array, bad: Array, log_factor: Array | None) -> Array:
    ratio = np.maximum(bad, 1e-32) / np.maximum(good, 1e-32)
    return ratio if log_factor is None else np.log(ratio) - log_factor
