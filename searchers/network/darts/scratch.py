"""The network of one architecture of DARTS's space alone.

The network is the authors' NetworkCIFAR (cnn/model.py): the supernet's frame with two operations a
node, and batch normalisation with a scale and a shift after convolutions alone. It has neither
their auxiliary classifier nor their dropping of paths.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import torch
from torch import Tensor, nn

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.search_spaces.darts.space import (
    CELLS,
    INPUTS,
    OPERATIONS,
    DartsSpace,
    Edges,
)
from oneshot_hpo.searchers.network.darts.cell import STEM_MULTIPLIER, CellFrame, cell_frames
from oneshot_hpo.searchers.network.darts.operations import (
    TrainedNorm,
    convolution,
    operation,
)
from oneshot_hpo.searchers.network.scratch import ScratchNetworks, ScratchSettings


class Network(ScratchNetworks):
    """The network of an architecture. entropy: a number of it."""

    def __init__(
        self,
        normal: Edges,
        reduce: Edges,
        image_channels: int,
        classes: int,
        settings: ScratchSettings,
        entropy: int,
    ) -> None:
        super().__init__()
        self.count, self.entropy = 1, entropy
        channels = STEM_MULTIPLIER * settings.channels
        self.stem = nn.Sequential(convolution(image_channels, channels, 3), TrainedNorm(channels))
        frames = cell_frames(settings.channels, settings.stacks, settings.cells_per_stack)
        self.cells = nn.ModuleList(
            _Cell(reduce if frame.is_reduction else normal, frame) for frame in frames
        )
        self.classifier = nn.Parameter(torch.empty(1, classes, frames[-1].outputs))
        self.bias = nn.Parameter(torch.zeros(1, classes))
        self.initialise(torch.Generator().manual_seed(0))

    def forward(self, images: Tensor) -> Tensor:
        """Images (B, C, H, W) to logits (B, classes, 1)."""
        stem = self.stem(images).contiguous(memory_format=torch.channels_last)
        before = last = stem
        for cell in self.cells:
            before, last = last, cell(before, last)
        features = last.mean((2, 3))[:, None]
        return torch.einsum("bmf,mcf->bcm", features, self.classifier) + self.bias.T


def networks_of(
    space: DartsSpace,
    architectures: Sequence[Architecture],
    image_channels: int,
    classes: int,
    settings: ScratchSettings,
) -> Network:
    """See `network.scratch.scratch_networks_of`; an architecture trains alone."""
    if len(architectures) != 1:
        raise ValueError(f"the networks of {space.title} are trained one at a time")
    (architecture,) = architectures
    normal, reduce = (space.cell(architecture, cell) for cell in CELLS)
    entropy = int(space.key(architecture), 16)
    return Network(normal, reduce, image_channels, classes, settings, entropy)


def shared_shape(space: DartsSpace, architecture: Architecture) -> Hashable:
    """The architecture itself (`network.scratch.shared_shape`)."""
    return architecture.picks


def parameter_count(
    space: DartsSpace,
    architecture: Architecture,
    image_channels: int,
    classes: int,
    settings: ScratchSettings,
) -> int:
    """See `network.scratch.parameter_count`."""
    network = networks_of(space, [architecture], image_channels, classes, settings)
    return sum(parameter.numel() for parameter in network.parameters())


class _Cell(nn.Module):
    """Two inputs to (N, 4 C, H, W)."""

    def __init__(self, edges: Edges, frame: CellFrame) -> None:
        super().__init__()
        self._sources = [[source for source, _ in pair] for _, pair in edges]
        self.inputs = frame.preprocessing(TrainedNorm)
        self.operations = nn.ModuleList(
            operation(
                OPERATIONS[place],
                frame.channels,
                frame.stride(source),
                TrainedNorm,
                pooling_norm=False,
            )
            for _, pair in edges
            for source, place in pair
        )

    def forward(self, *inputs: Tensor) -> Tensor:
        values = [module(x, x.relu()) for module, x in zip(self.inputs, inputs, strict=True)]
        rectified = [value.relu() for value in values]
        operations = iter(self.operations)
        for sources in self._sources:
            one, other = (next(operations)(values[source], rectified[source]) for source in sources)
            values.append(one + other)
            rectified.append(values[-1].relu())
        return torch.cat(values[INPUTS:], dim=1)
