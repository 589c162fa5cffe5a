"""Convolutions and batch normalisation of the supernet."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

BATCH_NORM_EPSILON = 1e-5


def convolution_weight(*shape: int, fan_in: int, generator: torch.Generator) -> nn.Parameter:
    """Draw weights from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), PyTorch's default for convolutions."""
    bound = 1 / math.sqrt(fan_in)
    return nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))


class Statistics(NamedTuple):
    """Running mean and variance (C,); in training they move by `momentum` towards a batch's."""

    mean: Tensor
    variance: Tensor
    momentum: float
    training: bool


class Normalisation(nn.Module):
    """Batch normalisations without parameters, of one shape (groups..., C).

    They normalise by the statistics of the batch, in training and in evaluation: running ones
    are wrong for a supernet, since each architecture has its own. `keep_statistics` makes it
    keep them all the same.
    """

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.momentum: float | None = None
        self._shape = shape

    def keep_statistics(self, momentum: float, like: Tensor) -> None:
        """Evaluate with running statistics from now on, at first those of mean 0, variance 1.

        like: has their device and type.
        """
        self.momentum = momentum
        self.register_buffer("mean", like.new_zeros(self._shape))
        self.register_buffer("variance", like.new_ones(self._shape))

    def statistics(self, index: int | tuple[int | slice, ...] | slice) -> Statistics | None:
        """Running statistics of one group, as views that a batch can update; None: the batch's."""
        if self.momentum is None:
            return None
        mean, variance = self.get_buffer("mean"), self.get_buffer("variance")
        return Statistics(mean[index], variance[index], self.momentum, self.training)

    def forward(self, x: Tensor, weight: Tensor | None = None) -> Tensor:
        """Normalise x (N, C, H, W) of a shape without groups, times a scalar; None: 1."""
        scale = None if weight is None else weight.expand(x.shape[1])
        return batch_norm(x, scale, None, self.statistics(slice(None)))


class BatchNorm(Normalisation):
    """Batch normalisations with a scale and a shift for each channel."""

    def __init__(self, *shape: int) -> None:
        super().__init__(*shape)
        self.scale = nn.Parameter(torch.ones(shape))
        self.shift = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor, weight: Tensor | None = None) -> Tensor:
        """Normalise x (N, C, H, W), scale and shift it; all times a scalar; None: 1."""
        scale: Tensor = self.scale
        shift: Tensor = self.shift
        if weight is not None:
            scale, shift = weight * scale, weight * shift
        return batch_norm(x, scale, shift, self.statistics(slice(None)))


def batch_norm(
    x: Tensor, scale: Tensor | None, shift: Tensor | None, statistics: Statistics | None = None
) -> Tensor:
    """Batch normalisation of x (N, C, H, W) by the batch's statistics, or by running ones."""
    if scale is not None:
        # PyTorch's gradient for images channels last reads an expanded scale beyond its memory.
        scale = scale.contiguous()
    if statistics is None:
        return F.batch_norm(x, None, None, scale, shift, training=True, eps=BATCH_NORM_EPSILON)
    mean, variance, momentum, training = statistics
    return F.batch_norm(x, mean, variance, scale, shift, training, momentum, BATCH_NORM_EPSILON)


def batch_norm_relu(
    x: Tensor, scale: Tensor, shift: Tensor, statistics: Statistics | None = None
) -> Tensor:
    """ReLU of batch normalisation; x (N, C, H, W), scale and shift (C,)."""
    return batch_norm(x, scale, shift, statistics).relu_()


def both_convolutions(weight_3x3: Tensor, weight_1x1: Tensor) -> Tensor:
    """Weights (..., O, I, 3, 3) and (..., O, I, 1, 1) as those of one 3 x 3 convolution.

    The first half of its 2 O output channels is the 3 x 3 convolution, the second half the
    1 x 1. One call with some idle multiplications beats two calls for small nets and on GPUs.
    """
    return torch.cat((weight_3x3, F.pad(weight_1x1, (1, 1, 1, 1))), dim=-4)


def global_average(x: Tensor) -> Tensor:
    """Means over the pixels of each channel: (N, C, H, W) to (N, C)."""
    # A mean over (2, 3) would send its gradient back channels first.
    return F.avg_pool2d(x, x.shape[2:]).flatten(1)


def average_3x3(x: Tensor, stride: int = 1) -> Tensor:
    """Means over 3 x 3 pixels (N, C, H, W); those beyond the border do not count."""
    if x.is_cuda:
        # Torch's padding has a wrong gradient there for images channels last, at least up to 2.12
        # (pytorch/pytorch, issue 188344).
        return average_3x3_of_padded(x, stride)
    return F.avg_pool2d(x, 3, stride=stride, padding=1, count_include_pad=False)


def average_3x3_of_padded(x: Tensor, stride: int = 1) -> Tensor:
    """`average_3x3` without the padding of torch's pooling: sums over counts of pixels."""

    def sums(image: Tensor) -> Tensor:
        return F.avg_pool2d(F.pad(image, (1, 1, 1, 1)), 3, stride=stride, divisor_override=1)

    return sums(x) / sums(x.new_ones(1, 1, *x.shape[2:]))


def weighted_sum(terms: list[tuple[Tensor, Tensor | None]]) -> Tensor:
    """Sum of tensors, each times its scalar weight; None: exactly 1."""
    (first, weight), *others = terms
    total = first if weight is None else first * weight
    for term, weight in others:
        total = total + term if weight is None else torch.addcmul(total, term, weight)
    return total


def shuffled(parts: list[Tensor]) -> Tensor:
    """k tensors (N, C, H, W) as one (N, k C, H, W): their channels 0, then their channels 1, ...

    The channel shuffle of PC-DARTS with k groups, and the concatenation before it, in one copy.
    """
    last = [part.permute(0, 2, 3, 1) for part in parts]
    return torch.stack(last, dim=-1).flatten(3).permute(0, 3, 1, 2)
