"""The operations of DARTS's space, for the supernet and for a network alone.

Liu, Simonyan and Yang (ICLR 2019), section 3.1.1, and cnn/operations.py of the authors' code. Each
takes a node's value (N, C, H, W) and its ReLU, and multiplies what it gives by a scalar.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneshot_hpo.search_spaces.darts.space import SKIP
from oneshot_hpo.searchers.network.encoding import Weight
from oneshot_hpo.searchers.network.operations import average_3x3

MakeNorm = Callable[[int], nn.Module]
"""Of a number of channels, a module of (x, weight): x normalised, times a scalar or None for 1."""


class TrainedNorm(nn.BatchNorm2d):
    """Batch normalisation of a network alone, with a scale, a shift and running statistics."""

    def forward(self, x: Tensor, weight: Weight = None) -> Tensor:
        """Normalise x, times a scalar; None: 1."""
        x = super().forward(x)
        return x if weight is None else x * weight


class Unit(nn.Module):
    """Convolutions and batch normalisation of an image that is rectified already."""

    def __init__(self, convolutions: list[nn.Conv2d], norm: nn.Module) -> None:
        super().__init__()
        self.convolutions = nn.Sequential(*convolutions)
        self.norm = norm

    def forward(self, x: Tensor, rectified: Tensor, weight: Weight = None) -> Tensor:
        """Convolve and normalise."""
        found: Tensor = self.norm(self.convolutions(rectified), weight)
        return found


class SeparableConvolution(nn.Module):
    """Two times ReLU, depthwise convolution, 1 x 1 convolution, batch norm; the first strided."""

    def __init__(self, channels: int, kernel: int, stride: int, norm: MakeNorm) -> None:
        super().__init__()
        self.first = Unit(_separable(channels, kernel, stride, dilation=1), norm(channels))
        self.second = Unit(_separable(channels, kernel, 1, dilation=1), norm(channels))

    def forward(self, x: Tensor, rectified: Tensor, weight: Weight = None) -> Tensor:
        """Convolve twice."""
        between = self.first(x, rectified).relu()
        found: Tensor = self.second(between, between, weight)
        return found


class FactorizedReduction(nn.Module):
    """Two 1 x 1 convolutions with stride 2, one of the image moved by a pixel, side by side.

    Half the outputs are of each. Of an odd height the second sees one row of zeros, so that the
    two fit together.
    """

    def __init__(self, inputs: int, outputs: int, norm: MakeNorm) -> None:
        super().__init__()
        self.first = convolution(inputs, outputs // 2, 1, stride=2)
        self.second = convolution(inputs, outputs - outputs // 2, 1, stride=2)
        self.norm = norm(outputs)

    def forward(self, x: Tensor, rectified: Tensor, weight: Weight = None) -> Tensor:
        """Halve the image."""
        height, width = rectified.shape[2:]
        moved = F.pad(rectified, (0, width % 2, 0, height % 2))[:, :, 1:, 1:]
        halves = torch.cat((self.first(rectified), self.second(moved)), dim=1)
        found: Tensor = self.norm(halves, weight)
        return found


class Pooling(nn.Module):
    """3 x 3 pooling, normalised in the supernet alone; padding does not count in averages."""

    def __init__(self, kind: str, stride: int, norm: nn.Module | None) -> None:
        super().__init__()
        self._is_maximum, self._stride = kind == "max", stride
        self.norm = norm

    def forward(self, x: Tensor, rectified: Tensor, weight: Weight = None) -> Tensor:
        """Pool."""
        if self._is_maximum:
            x = F.max_pool2d(x, 3, stride=self._stride, padding=1)
        else:
            x = average_3x3(x, self._stride)
        if self.norm is not None:
            found: Tensor = self.norm(x, weight)
            return found
        return x if weight is None else x * weight


class Skip(nn.Module):
    """The node's value itself."""

    def forward(self, x: Tensor, rectified: Tensor, weight: Weight = None) -> Tensor:
        """Pass on."""
        return x if weight is None else x * weight


def operation(
    name: str, channels: int, stride: int, norm: MakeNorm, *, pooling_norm: bool
) -> nn.Module:
    """The module of an operation of the space other than `none`.

    pooling_norm: normalise after pooling.
    """
    if name == SKIP:
        return Skip() if stride == 1 else FactorizedReduction(channels, channels, norm)
    kind, _, size = name.rpartition("_")
    kernel = int(size[0])
    if kind.endswith("_pool"):
        return Pooling(kind[:3], stride, norm(channels) if pooling_norm else None)
    if kind == "sep_conv":
        return SeparableConvolution(channels, kernel, stride, norm)
    return Unit(_separable(channels, kernel, stride, dilation=2), norm(channels))


def preprocessing(inputs: int, channels: int, *, halves: bool, norm: MakeNorm) -> nn.Module:
    """What makes an input of a cell of its channels, and of its size where it `halves`."""
    if halves:
        return FactorizedReduction(inputs, channels, norm)
    return Unit([convolution(inputs, channels, 1)], norm(channels))


def convolution(
    inputs: int, outputs: int, kernel: int, *, stride: int = 1, dilation: int = 1, groups: int = 1
) -> nn.Conv2d:
    """A convolution without bias whose weights are still to be drawn."""
    return nn.utils.skip_init(  # torch's own draw would use the global generator
        nn.Conv2d,
        inputs,
        outputs,
        kernel,
        stride=stride,
        padding=dilation * (kernel // 2),
        dilation=dilation,
        groups=groups,
        bias=False,
    )


def _separable(channels: int, kernel: int, stride: int, *, dilation: int) -> list[nn.Conv2d]:
    depthwise = convolution(
        channels, channels, kernel, stride=stride, dilation=dilation, groups=channels
    )
    return [depthwise, convolution(channels, channels, 1)]
