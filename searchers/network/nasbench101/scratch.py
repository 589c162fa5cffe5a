"""The network of one cell of NAS-Bench-101 alone, many cells of one graph side by side.

The network is NAS-Bench-101's (Ying et al., ICML 2019, section 2.2 and its model_builder.py):
a 3 x 3 stem, stacks of cells with a max-pooling and twice the channels after each, global average
pooling, a linear layer. M cells with the same graph and different operations train at once as the
groups of grouped convolutions: images (B, M * channels, H, W). No value passes between groups.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.search_spaces.nasbench101.cell import (
    CONV1X1,
    CONV3X3,
    MAXPOOL3X3,
    OPERATIONS,
    Cell,
)
from oneshot_hpo.search_spaces.nasbench101.space import NasBench101Space
from oneshot_hpo.searchers.network.scratch import (
    ScratchNetworks,
    ScratchSettings,
    joined_networks,
    split_networks,
)

_KERNELS = {CONV3X3: 3, CONV1X1: 1}


def vertex_channels(cell: Cell, input_channels: int, output_channels: int) -> list[int]:
    """Channels of each vertex: the output's are shared among its parents (NAS-Bench-101, A.2).

    A vertex that does not feed the output has as many as the largest vertex that it feeds.
    """
    matrix, last = cell.matrix, len(cell.matrix) - 1
    channels = [0] * (last + 1)
    channels[0], channels[last] = input_channels, output_channels
    feeding = [vertex for vertex in range(1, last) if matrix[vertex][last]]
    for place, vertex in enumerate(feeding):
        extra = place < output_channels % len(feeding)
        channels[vertex] = output_channels // len(feeding) + int(extra)
    for vertex in reversed(range(1, last)):
        if not matrix[vertex][last]:
            fed = [w for w in range(vertex + 1, last) if matrix[vertex][w]]
            channels[vertex] = max(channels[w] for w in fed)
    return channels


def cell_parameters(
    cell: Cell, image_channels: int, classes: int, settings: ScratchSettings
) -> int:
    """Trainable parameters of a cell's network, batch norm's two a channel included."""

    def conv(inputs: int, outputs: int, kernel: int) -> int:
        return outputs * (inputs * kernel**2 + 2)

    channels = settings.channels
    total = conv(image_channels, channels, 3)
    for stack in range(settings.stacks):
        for _ in range(settings.cells_per_stack):
            inputs, channels = channels, settings.channels * 2**stack
            widths = vertex_channels(cell, inputs, channels)
            for vertex, width in enumerate(widths[1:], start=1):
                if cell.matrix[0][vertex]:
                    total += conv(inputs, width, 1)
                kernel = _KERNELS.get(cell.operations[vertex])
                if kernel:
                    total += conv(width, width, kernel)
    return total + (channels + 1) * classes


class Networks(ScratchNetworks):
    """The networks of cells that share one matrix. Raises ValueError for different matrices."""

    def __init__(
        self, cells: Sequence[Cell], image_channels: int, classes: int, settings: ScratchSettings
    ) -> None:
        super().__init__()
        if len({cell.matrix for cell in cells}) != 1:
            raise ValueError("cells trained side by side need the same matrix")
        self.count, channels = len(cells), settings.channels
        self.entropy = int(cells[0].hash, 16)
        self.stem = _conv_bn_relu(1, image_channels, self.count * channels, 3)
        self.stacks = nn.ModuleList()
        for stack in range(settings.stacks):
            modules = []
            for _ in range(settings.cells_per_stack):
                inputs, channels = channels, settings.channels * 2**stack
                modules.append(_CellGroup(cells, inputs, channels))
            self.stacks.append(nn.Sequential(*modules))
        self.classifier = nn.Parameter(torch.empty(self.count, classes, channels))
        self.bias = nn.Parameter(torch.zeros(self.count, classes))

    def forward(self, x: Tensor) -> Tensor:
        """Images (B, C, H, W) to logits (B, classes, M)."""
        # channels last: max-pooling is ten times as fast on a CPU
        x = self.stem(x.contiguous(memory_format=torch.channels_last))
        for place, stack in enumerate(self.stacks):
            if place:
                x = F.max_pool2d(x, 2)
            x = stack(x)
        features = x.mean((2, 3)).view(len(x), self.count, -1)
        return torch.einsum("bmf,mcf->bcm", features, self.classifier) + self.bias.T


def networks_of(
    space: NasBench101Space,
    architectures: Sequence[Architecture],
    image_channels: int,
    classes: int,
    settings: ScratchSettings,
) -> Networks:
    """See `network.scratch.scratch_networks_of`."""
    return Networks(list(map(space.cell, architectures)), image_channels, classes, settings)


def shared_shape(space: NasBench101Space, architecture: Architecture) -> Hashable:
    """The matrix of a cell (`network.scratch.shared_shape`)."""
    return space.cell(architecture).matrix


def parameter_count(
    space: NasBench101Space,
    architecture: Architecture,
    image_channels: int,
    classes: int,
    settings: ScratchSettings,
) -> int:
    """See `network.scratch.parameter_count`."""
    return cell_parameters(space.cell(architecture), image_channels, classes, settings)


class _CellGroup(nn.Module):
    """One cell of each network: same matrix, operations of their own."""

    def __init__(self, cells: Sequence[Cell], inputs: int, outputs: int):
        super().__init__()
        self.count, self.matrix = len(cells), cells[0].matrix
        self.channels = vertex_channels(cells[0], inputs, outputs)
        self.projected = [v for v in range(1, len(self.matrix)) if self.matrix[0][v]]
        widths = [self.channels[vertex] for vertex in self.projected]
        self.projections = nn.ModuleList(
            _conv_bn_relu(self.count, self.count * inputs, self.count * width, 1)
            for width in widths
        )
        self.operations = nn.ModuleList(
            _Operations([cell.operations[vertex] for cell in cells], self.channels[vertex])
            for vertex in range(1, len(self.matrix) - 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        projections = dict(zip(self.projected, self.projections, strict=True))
        last = len(self.matrix) - 1
        values: list[Tensor] = [x]
        for vertex in range(1, last):
            terms = [
                self._first_channels(values[source], vertex)
                for source in range(1, vertex)
                if self.matrix[source][vertex]
            ]
            if vertex in projections:
                terms.append(projections[vertex](x))
            values.append(self.operations[vertex - 1](sum(terms[1:], terms[0])))
        feeding = [values[vertex] for vertex in range(1, last) if self.matrix[vertex][last]]
        if not feeding:
            return projections[last](x)
        output = joined_networks(
            torch.cat([split_networks(value, self.count) for value in feeding], 4)
        )
        return output + projections[last](x) if last in projections else output

    def _first_channels(self, value: Tensor, vertex: int) -> Tensor:
        width = self.channels[vertex]
        if value.shape[1] == self.count * width:
            return value
        return joined_networks(split_networks(value, self.count)[..., :width])


class _Operations(nn.Module):
    """One vertex of M networks: networks with the same operation share one grouped convolution."""

    def __init__(self, names: Sequence[str], channels: int):
        super().__init__()
        self.count = len(names)
        groups = {name: [m for m, n in enumerate(names) if n == name] for name in OPERATIONS}
        groups = {name: members for name, members in groups.items() if members}
        order = np.concatenate(list(groups.values()))
        for name, members in groups.items():
            self.register_buffer(f"members_{name}", torch.tensor(members), persistent=False)
        self.register_buffer("back", torch.from_numpy(np.argsort(order)), persistent=False)
        self.branches = nn.ModuleDict()
        for name, members in groups.items():
            width = len(members) * channels
            self.branches[name] = (
                nn.MaxPool2d(3, stride=1, padding=1)
                if name == MAXPOOL3X3
                else _conv_bn_relu(len(members), width, width, _KERNELS[name])
            )

    def forward(self, x: Tensor) -> Tensor:
        if len(self.branches) == 1:
            return next(iter(self.branches.values()))(x)
        split = split_networks(x, self.count)
        results = [
            branch(joined_networks(split.index_select(3, self.get_buffer(f"members_{name}"))))
            for name, branch in self.branches.items()
        ]
        parts = [split_networks(result, len(result[0]) // split.shape[4]) for result in results]
        return joined_networks(torch.cat(parts, 3).index_select(3, self.get_buffer("back")))


def _conv_bn_relu(groups: int, inputs: int, outputs: int, kernel: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, groups=groups, bias=False),
        nn.BatchNorm2d(outputs),
        nn.ReLU(inplace=True),
    )
