"""Convolutions and batch normalisation of the supernet."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F

BATCH_NORM_EPSILON = 1e-5


def convolution_weight(*shape: int, fan_in: int, generator: torch.Generator) -> torch.nn.Parameter:
    """Draw weights from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), PyTorch's default for convolutions."""
    bound = 1 / math.sqrt(fan_in)
    return torch.nn.Parameter(torch.empty(shape).uniform_(-bound, bound, generator=generator))


def batch_norm_relu(x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
    """ReLU of batch normalisation with the statistics of this batch, in training and evaluation.

    x (N, C, H, W); scale and shift (C,). Running statistics are wrong for a supernet: each
    architecture has its own.
    """
    return F.batch_norm(x, None, None, scale, shift, training=True, eps=BATCH_NORM_EPSILON).relu_()


def both_convolutions(weight_3x3: Tensor, weight_1x1: Tensor) -> Tensor:
    """Weights (..., O, I, 3, 3) and (..., O, I, 1, 1) as those of one 3 x 3 convolution.

    The first half of its 2 O output channels is the 3 x 3 convolution, the second half the
    1 x 1. One call with some idle multiplications beats two calls for small nets and on GPUs.
    """
    return torch.cat((weight_3x3, F.pad(weight_1x1, (1, 1, 1, 1))), dim=-4)
