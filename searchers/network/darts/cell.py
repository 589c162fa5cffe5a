"""A cell of DARTS's supernet: two inputs, four nodes, all operations on all fourteen edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneshot_hpo.search_spaces.darts.space import CELLS, INPUTS, NODES, NONE, OPERATIONS
from oneshot_hpo.searchers.network.darts.operations import MakeNorm, operation, preprocessing
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.operations import Normalisation, shuffled, weighted_sum

STEM_MULTIPLIER = 3
"""The stem has so many times the channels of the first cell."""

_NONE = OPERATIONS.index(NONE)


@dataclass(frozen=True)
class Edge:
    """A computed edge.

    operations: by name, their weights, `none` left out. bypass: the weights of all of them, `none`
    included, whose sum is that of the channels which no operation sees.
    """

    operations: dict[str, Weight] = field(default_factory=dict)
    bypass: list[Weight] = field(default_factory=list)


Wiring = Sequence[Mapping[int, Edge]]
"""For each node of a cell, the edges into it by their source."""


def wirings(encoding: Encoding) -> dict[str, Wiring]:
    """Those of the normal and of the reduction cell; an edge with `none` alone is cut."""
    nodes = []
    for weights in encoding.weights:
        edges: dict[int, Edge] = {}
        for candidate, weight in sorted(weights.items()):
            source, place = divmod(candidate, len(OPERATIONS))
            edge = edges.setdefault(source, Edge())
            edge.bypass.append(weight)
            if place != _NONE:
                edge.operations[OPERATIONS[place]] = weight
        nodes.append({source: edge for source, edge in edges.items() if edge.operations})
    return {
        cell: nodes[place * len(NODES) : (place + 1) * len(NODES)]
        for place, cell in enumerate(CELLS)
    }


@dataclass(frozen=True)
class CellFrame:
    """The place of a cell in its network.

    inputs: channels of its two inputs. channels: of each of its nodes. is_reduction: whether it
    halves the image, follows_reduction: whether the cell before it does.
    """

    inputs: tuple[int, int]
    channels: int
    is_reduction: bool
    follows_reduction: bool

    @property
    def outputs(self) -> int:
        """Channels of its output."""
        return len(NODES) * self.channels

    def stride(self, source: int) -> int:
        """The stride of the operations on an edge from a node."""
        return 2 if self.is_reduction and source < INPUTS else 1

    def preprocessing(self, norm: MakeNorm) -> nn.ModuleList:
        """For each input, what gives it the channels of the nodes, and the size of the other."""
        halves = (self.follows_reduction, False)
        return nn.ModuleList(
            preprocessing(count, self.channels, halves=halve, norm=norm)
            for count, halve in zip(self.inputs, halves, strict=True)
        )


def cell_frames(channels: int, stacks: int, cells_per_stack: int) -> list[CellFrame]:
    """The cells of a network; those of the first stack have nodes of so many channels."""
    inputs, follows_reduction = (STEM_MULTIPLIER * channels,) * 2, False
    frames = []
    for index in range(stacks * cells_per_stack):
        stack, place = divmod(index, cells_per_stack)
        is_reduction = stack > 0 and place == 0
        frame = CellFrame(inputs, channels * 2**stack, is_reduction, follows_reduction)
        frames.append(frame)
        inputs, follows_reduction = (inputs[1], frame.outputs), is_reduction
    return frames


class SearchCell(nn.Module):
    """Two inputs to (N, 4 C, H, W); a reduction cell halves the image, rounded up.

    channel_proportion: k of PC-DARTS; operations see the first C / k channels, the others bypass
    them (max-pooled in a reduction cell) and all are shuffled.
    """

    def __init__(self, frame: CellFrame, channel_proportion: int) -> None:
        super().__init__()
        self.frame = frame
        self._proportion = channel_proportion
        part = frame.channels // channel_proportion
        self.inputs = frame.preprocessing(Normalisation)
        self.edges = nn.ModuleDict()
        for node in NODES:
            for source in range(node):
                stride = frame.stride(source)
                self.edges[_name(source, node)] = nn.ModuleDict(
                    {
                        name: operation(name, part, stride, Normalisation, pooling_norm=True)
                        for name in OPERATIONS
                        if name != NONE
                    }
                )

    def forward(self, inputs: tuple[Tensor, Tensor], wiring: Wiring) -> Tensor:
        """The values of the four nodes side by side; a node without edges is zero."""
        values = [module(x, x.relu()) for module, x in zip(self.inputs, inputs, strict=True)]
        seen = [self._seen(value) for value in values]
        for node, edges in zip(NODES, wiring, strict=True):
            terms: list[tuple[Tensor, Weight]] = [
                (self._along(_name(source, node), edge, values[source], *seen[source]), None)
                for source, edge in sorted(edges.items())
            ]
            values.append(weighted_sum(terms) if terms else self._zeros(values[0]))
            seen.append(self._seen(values[-1]))
        return torch.cat(values[INPUTS:], dim=1)

    def _seen(self, value: Tensor) -> tuple[Tensor, Tensor]:
        """The channels of a node that operations see, and their ReLU."""
        part = value
        if self._proportion > 1:
            part = value.chunk(self._proportion, dim=1)[0]
            part = part.contiguous(memory_format=torch.channels_last)
        return part, part.relu()

    def _along(
        self, name: str, edge: Edge, value: Tensor, seen: Tensor, rectified: Tensor
    ) -> Tensor:
        """What a node sends along an edge."""
        modules = self.edges[name]
        assert isinstance(modules, nn.ModuleDict)
        terms: list[tuple[Tensor, Weight]] = [
            (modules[operation](seen, rectified, weight), None)
            for operation, weight in edge.operations.items()
        ]
        mixed = weighted_sum(terms)
        if self._proportion == 1:
            return mixed
        others = value.chunk(self._proportion, dim=1)[1:]
        if mixed.shape[2:] != value.shape[2:]:
            others = tuple(F.max_pool2d(other, 2, ceil_mode=True) for other in others)
        weight = _total(edge.bypass, value)
        return shuffled([mixed, *(weighted_sum([(other, weight)]) for other in others)])

    def _zeros(self, value: Tensor) -> Tensor:
        """A node of zeros, of the cell's output size; value: an input."""
        count, channels, *size = value.shape
        if self.frame.is_reduction:
            size = [(length + 1) // 2 for length in size]
        zeros = value.new_zeros(count, channels, *size)
        return zeros.contiguous(memory_format=torch.channels_last)


def _name(source: int, node: int) -> str:
    return f"{source}_{node}"


def _total(weights: list[Weight], like: Tensor) -> Weight:
    """Sum of weights; None for one that is exactly 1."""
    if len(weights) == 1:
        return weights[0]
    given = [like.new_ones(()) if weight is None else weight for weight in weights]
    return torch.stack(given).sum()
