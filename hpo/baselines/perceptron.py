"""An ensemble of small perceptrons on categories, trained side by side (Liu et al. 2018, PNAS).

E members hold their weights in arrays with a first dimension E.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from oneshot_hpo.hpo.baselines.optimizer import Floats, Integers

Single = NDArray[np.float32]

_CHUNK = 4096  # configurations that are predicted at once
_BETA1, _BETA2, _EPSILON = 0.9, 0.999, 1e-8  # Adam's


class Ensemble:
    """Embeddings of d values, two hidden layers, a sigmoid; the mean of E members.

    Member e never sees the e-th part of the examples, as in the paper.
    """

    def __init__(
        self, choices: Sequence[int], *, members: int, width: int, rng: np.random.Generator
    ) -> None:
        self._offsets = np.cumsum([0, *choices[:-1]])
        self._members, self._rng = members, rng

        def normal(inputs: int, outputs: int) -> Single:
            values = rng.standard_normal((members, inputs, outputs)) * math.sqrt(2 / inputs)
            return values.astype(np.float32)

        def zeros(size: int) -> Single:
            return np.zeros((members, 1, size), np.float32)

        embeddings = rng.uniform(-0.1, 0.1, (members, sum(choices), width)).astype(np.float32)
        self._weights = [
            embeddings,
            *(normal(len(choices) * width, width), zeros(width)),
            *(normal(width, width), zeros(width)),
            *(normal(width, 1), zeros(1)),
        ]

    def fit(self, values: Integers, targets: Floats, *, learning_rate: float, steps: int) -> None:
        """Minimise the mean absolute error with Adam, on all examples (n, d), (n,) in each step.

        The output starts at the targets' mean, as the paper's bias does.
        """
        mean = float(np.clip(targets.mean(), 1e-3, 1 - 1e-3))
        self._weights[-1][:] = math.log(mean / (1 - mean))
        share = self._shares(len(targets))
        wanted = targets.astype(np.float32)[:, None]
        first = [np.zeros_like(weight) for weight in self._weights]
        second = [np.zeros_like(weight) for weight in self._weights]

        for step in range(1, steps + 1):
            gradients = self.gradients(values, wanted, share)
            rate = learning_rate * math.sqrt(1 - _BETA2**step) / (1 - _BETA1**step)
            for weight, gradient, m, v in zip(self._weights, gradients, first, second, strict=True):
                m += (1 - _BETA1) * (gradient - m)
                v += (1 - _BETA2) * (gradient * gradient - v)
                weight -= rate * m / (np.sqrt(v) + _EPSILON)

    def predict(self, values: Integers) -> Floats:
        """The members' mean for configurations (N, d), float (N,)."""
        parts = [
            self._forward(values[start : start + _CHUNK])[-1].mean(axis=0)[:, 0]
            for start in range(0, len(values), _CHUNK)
        ]
        return np.concatenate(parts).astype(float)

    def gradients(self, values: Integers, wanted: Single, share: Single) -> list[Single]:
        """Of the weighted absolute errors, sum of share (E, n, 1) * |output - wanted (n, 1)|."""
        embedded, hidden, last, output = self._forward(values)
        _, w1, _, w2, _, w3, _ = self._weights

        slope3 = share * np.sign(output - wanted) * output * (1 - output)
        slope2 = (slope3 @ w3.mT) * (last > 0)
        slope1 = (slope2 @ w2.mT) * (hidden > 0)
        slope0 = (slope1 @ w1.mT).reshape(self._members, *values.shape, -1)

        embeddings = np.zeros_like(self._weights[0])
        for dimension, offset in enumerate(self._offsets):
            levels = np.arange(values[:, dimension].max() + 1)
            indicators = (levels[:, None] == values[:, dimension]).astype(np.float32)
            embeddings[:, offset : offset + len(levels)] = indicators @ slope0[:, :, dimension]
        return [
            embeddings,
            *(embedded.mT @ slope1, slope1.sum(1, keepdims=True)),
            *(hidden.mT @ slope2, slope2.sum(1, keepdims=True)),
            *(last.mT @ slope3, slope3.sum(1, keepdims=True)),
        ]

    def _forward(self, values: Integers) -> tuple[Single, Single, Single, Single]:
        """Embeddings (E, N, d * width), both hidden layers (E, N, width), outputs (E, N, 1)."""
        embeddings, w1, b1, w2, b2, w3, b3 = self._weights
        embedded = embeddings[:, self._offsets + values].reshape(
            self._members, len(values), w1.shape[1]
        )
        hidden = np.maximum(embedded @ w1 + b1, 0)
        last = np.maximum(hidden @ w2 + b2, 0)
        output = 1 / (1 + np.exp(-(last @ w3 + b3)))
        return embedded, hidden, last, output

    def _shares(self, examples: int) -> Single:
        """What each example weighs for each member, (E, n, 1); a member's sum to 1."""
        part = self._rng.permutation(examples) % self._members
        kept = part != np.arange(self._members)[:, None]
        kept |= ~kept.any(axis=1, keepdims=True)  # a single example is for all
        shares: Single = (kept / kept.sum(axis=1, keepdims=True)).astype(np.float32)[..., None]
        return shares
