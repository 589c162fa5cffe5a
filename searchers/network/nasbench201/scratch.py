"""The network of one cell of NAS-Bench-201 alone, any cells side by side.

The network is NAS-Bench-201's (Dong and Yang, ICLR 2020, section 2.1; TinyNetwork of the authors'
code): the supernet's frame with one operation on each edge, and batch normalisation with a scale
and a shift everywhere. M cells train at once as the groups of grouped convolutions: images
(B, M * channels, H, W). No value passes between groups.

As in the authors' network, an operation counts and trains wherever it is, on no path to the output
or behind a node that nothing feeds (whose convolution then gives its batch norm's shift).
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.search_spaces.nasbench201.space import (
    EDGES,
    NODES,
    NONE,
    SKIP,
    EdgeCellSpace,
)
from oneshot_hpo.searchers.network.operations import average_3x3
from oneshot_hpo.searchers.network.scratch import (
    ScratchNetworks,
    ScratchSettings,
    joined_networks,
    split_networks,
)

_KERNELS = {"nor_conv_1x1": 1, "nor_conv_3x3": 3}


class Networks(ScratchNetworks):
    """The networks of cells given as the names of their operations, an edge each.

    entropy: a number of the first cell.
    """

    def __init__(
        self,
        cells: Sequence[Sequence[str]],
        image_channels: int,
        classes: int,
        settings: ScratchSettings,
        entropy: int,
    ) -> None:
        super().__init__()
        count = len(cells)
        self.count, self.entropy = count, entropy
        channels = settings.channels
        self.stem = nn.Sequential(
            nn.Conv2d(image_channels, count * channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(count * channels),
        )
        self.body = nn.Sequential()
        for stack in range(settings.stacks):
            if stack:
                self.body.append(_ReductionBlocks(count, channels))
                channels *= 2
            for _ in range(settings.cells_per_stack):
                self.body.append(_Cells(cells, channels))
        self.last_norm = nn.BatchNorm2d(count * channels)
        self.classifier = nn.Parameter(torch.empty(count, classes, channels))
        self.bias = nn.Parameter(torch.zeros(count, classes))

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) to logits (B, classes, M)."""
        # Channels last: batch norm and pooling are two to ten times as fast on a CPU.
        x = self.stem(images).contiguous(memory_format=torch.channels_last)
        x = self.last_norm(self.body(x)).relu_()
        features = x.mean((2, 3)).view(len(x), self.count, -1)
        return torch.einsum("bmf,mcf->bcm", features, self.classifier) + self.bias.T


def networks_of(
    space: EdgeCellSpace,
    architectures: Sequence[Architecture],
    image_channels: int,
    classes: int,
    settings: ScratchSettings,
) -> Networks:
    """See `network.scratch.scratch_networks_of`."""
    cells = list(map(space.names, architectures))
    entropy = space.configuration(architectures[0])
    return Networks(cells, image_channels, classes, settings, entropy)


def shared_shape(space: EdgeCellSpace, architecture: Architecture) -> Hashable:
    """Nothing: any cells can be trained side by side (`network.scratch.shared_shape`).

    Those with the same operations on most edges, as neighbours in the space's numbering, are
    fastest.
    """
    return ()


def parameter_count(
    space: EdgeCellSpace,
    architecture: Architecture,
    image_channels: int,
    classes: int,
    settings: ScratchSettings,
) -> int:
    """See `network.scratch.parameter_count`; the benchmark's own count."""

    def conv(inputs: int, outputs: int, kernel: int) -> int:
        return outputs * (inputs * kernel**2 + 2)

    channels = settings.channels
    total = conv(image_channels, channels, 3)
    for stack in range(settings.stacks):
        if stack:
            halved, channels = channels, 2 * channels
            total += conv(halved, channels, 3) + conv(channels, channels, 3) + halved * channels
        kernels = [_KERNELS[name] for name in space.names(architecture) if name in _KERNELS]
        of_cell = sum(conv(channels, channels, kernel) for kernel in kernels)
        total += settings.cells_per_stack * of_cell
    return total + 2 * channels + (channels + 1) * classes


class _Cells(nn.Module):
    """One cell of each network."""

    def __init__(self, cells: Sequence[Sequence[str]], channels: int) -> None:
        super().__init__()
        self.edges = nn.ModuleList(
            _Edges([cell[place] for cell in cells], channels) for place in range(len(EDGES))
        )

    def forward(self, x: Tensor) -> Tensor:
        values = [x]
        rectified: list[Tensor] = []
        for node in range(1, NODES):
            rectified.append(values[-1].relu())
            terms = [
                edge(values[source], rectified[source])
                for edge, (source, target) in zip(self.edges, EDGES, strict=True)
                if target == node
            ]
            terms = [term for term in terms if term is not None]
            values.append(sum(terms[1:], terms[0]) if terms else torch.zeros_like(x))
        return values[-1]


class _Edges(nn.Module):
    """One edge of M networks: networks with the same operation share one grouped convolution."""

    def __init__(self, names: Sequence[str], channels: int) -> None:
        super().__init__()
        self.count = len(names)
        groups: dict[str, list[int]] = {}
        for member, name in enumerate(names):
            groups.setdefault(name, []).append(member)
        for name, members in groups.items():
            self.register_buffer(f"members_{name}", torch.tensor(members), persistent=False)
        order = torch.tensor([member for members in groups.values() for member in members])
        self.register_buffer("back", order.argsort(), persistent=False)
        self.names = tuple(groups)
        self.convolutions = nn.ModuleDict()
        for name, members in groups.items():
            if name in _KERNELS:
                self.convolutions[name] = _conv_bn(len(members), channels, channels, _KERNELS[name])

    def forward(self, x: Tensor, rectified: Tensor) -> Tensor | None:
        """What the edge brings, of x (B, M * C, H, W) and its ReLU; None: nothing for anyone."""
        if len(self.names) == 1:
            return self._operated(self.names[0], x, rectified)
        parts = []
        for name in self.names:
            members = self.get_buffer(f"members_{name}")
            source = split_networks(rectified if name in self.convolutions else x, self.count)
            chosen = joined_networks(source.index_select(3, members))
            operated = self._operated(name, chosen, chosen)
            parts.append(torch.zeros_like(chosen) if operated is None else operated)
        joined = torch.cat([split_networks(part, self._held(part, x)) for part in parts], dim=3)
        return joined_networks(joined.index_select(3, self.get_buffer("back")))

    def _operated(self, name: str, x: Tensor, rectified: Tensor) -> Tensor | None:
        if name == NONE:
            return None
        if name == SKIP:
            return x
        if name in self.convolutions:
            return cast(Tensor, self.convolutions[name](rectified))
        return average_3x3(x)

    def _held(self, part: Tensor, x: Tensor) -> int:
        """How many networks' channels a part holds."""
        return part.shape[1] * self.count // x.shape[1]


class _ReductionBlocks(nn.Module):
    """The residual block of each network (`nasbench201.supernet.ReductionBlock`)."""

    def __init__(self, count: int, channels: int) -> None:
        super().__init__()
        self.first = _conv_bn(count, channels, 2 * channels, 3, stride=2)
        self.second = _conv_bn(count, 2 * channels, 2 * channels, 3)
        self.shortcut = nn.Conv2d(
            count * channels, 2 * count * channels, 1, groups=count, bias=False
        )

    def forward(self, x: Tensor) -> Tensor:
        main: Tensor = self.second(self.first(x.relu()).relu_())
        return main + self.shortcut(F.avg_pool2d(x, 2, ceil_mode=True))


def _conv_bn(count: int, inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    """Convolution and batch norm of `count` networks, from and to so many channels of each."""
    return nn.Sequential(
        nn.Conv2d(
            count * inputs,
            count * outputs,
            kernel,
            stride=stride,
            padding=kernel // 2,
            groups=count,
            bias=False,
        ),
        nn.BatchNorm2d(count * outputs),
    )
