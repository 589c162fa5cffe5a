"""A cell of NAS-Bench-201's supernet: four nodes, six edges, five operations on each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneshot_hpo.search_spaces.nasbench201.space import EDGES, NODES, NONE, OPERATIONS, SKIP
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.operations import (
    Normalisation,
    average_3x3,
    batch_norm,
    convolution_weight,
    shuffled,
    weighted_sum,
)

_NONE, _SKIP, _BY_1X1, _BY_3X3, _POOL = map(
    OPERATIONS.index, (NONE, SKIP, "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
)
_CONVOLUTIONS = (_BY_3X3, _BY_1X1)
_ROWS = sorted(EDGES)
"""Edges as the parameters lie: those from one source beside each other, by ascending targets."""

# On a CPU, one convolution for all targets of a node saves time for small images, and loses it on
# strided slices of large ones.
_JOINED_ELEMENTS = 100_000


class Edge(NamedTuple):
    """A computed edge of a forward pass.

    target: the node that it feeds. row: where its parameters lie. operations: places in
    OPERATIONS with their weights, `none` left out. bypass: the weight of the channels that no
    operation sees.
    """

    target: int
    row: int
    operations: Mapping[int, Weight]
    bypass: Weight


class Wiring:
    """An encoding, prepared once for all cells of a forward pass.

    edges: of each source node, those on a path from the cell's input to its output. An edge that
        has no operation, or `none` alone, is cut.
    """

    def __init__(self, encoding: Encoding) -> None:
        found = []
        for edge, weights in zip(EDGES, encoding.weights, strict=True):
            operations = {place: w for place, w in weights.items() if place != _NONE}
            if operations:
                found.append((edge, operations, _total(weights)))
        live = _live_nodes({edge for edge, *_ in found})
        self.edges: dict[int, list[Edge]] = {}
        for edge, operations, bypass in sorted(found, key=lambda one: one[0]):
            if set(edge) <= live:
                source, target = edge
                row = Edge(target, _ROWS.index(edge), operations, bypass)
                self.edges.setdefault(source, []).append(row)


class SearchCell(nn.Module):
    """All operations on all edges: (N, C, H, W) to the same shape.

    A convolution is ReLU, convolution, batch normalisation without parameters, whose scale is the
    weight of the operation. Parameters are stacked over the edges, so that operations which a
    step does not compute have gradients of zero, and weight decay and momentum still move them.

    channel_proportion: k of PC-DARTS; operations see the first C / k channels, the others bypass
        them and all are shuffled.
    """

    def __init__(self, channels: int, channel_proportion: int, generator: torch.Generator) -> None:
        super().__init__()
        self._proportion = channel_proportion
        self._part = part = channels // channel_proportion
        rows = len(EDGES) * part
        self.conv3x3 = convolution_weight(rows, part, 3, 3, fan_in=9 * part, generator=generator)
        self.conv1x1 = convolution_weight(rows, part, 1, 1, fan_in=part, generator=generator)
        self.norm = Normalisation(len(_CONVOLUTIONS), rows)

    def forward(self, x: Tensor, wiring: Wiring) -> Tensor:
        """The cell's output; zeros where no path leads from its input to its output."""
        fed: list[list[Tensor]] = [[] for _ in range(NODES)]
        fed[0] = [x]
        for source, edges in wiring.edges.items():
            node = weighted_sum([(term, None) for term in fed[source]])
            for edge, term in zip(edges, self._along(edges, node), strict=True):
                fed[edge.target].append(term)
        if not fed[-1]:
            return torch.zeros_like(x)
        return weighted_sum([(term, None) for term in fed[-1]])

    def _along(self, edges: list[Edge], x: Tensor) -> list[Tensor]:
        """What a node sends along each of its edges."""
        if self._proportion == 1:
            return self._mixed(edges, x)
        seen, *others = x.chunk(self._proportion, dim=1)
        seen = seen.contiguous(memory_format=torch.channels_last)
        sent = []
        for edge, mixed in zip(edges, self._mixed(edges, seen), strict=True):
            past = [weighted_sum([(other, edge.bypass)]) for other in others]
            sent.append(shuffled([mixed, *past]))
        return sent

    def _mixed(self, edges: list[Edge], x: Tensor) -> list[Tensor]:
        """The weighted sum of operations on each edge; what edges share is computed once."""
        terms = self._convolved(edges, x)
        if any(_POOL in edge.operations for edge in edges):
            pooled = average_3x3(x)
        for edge, found in zip(edges, terms, strict=True):
            if _SKIP in edge.operations:
                found.append((x, edge.operations[_SKIP]))
            if _POOL in edge.operations:
                found.append((pooled, edge.operations[_POOL]))
        return list(map(weighted_sum, terms))

    def _convolved(self, edges: list[Edge], x: Tensor) -> list[list[tuple[Tensor, Weight]]]:
        """The convolutions of each edge, weights multiplied in."""
        present = [op for op in _CONVOLUTIONS if any(op in edge.operations for edge in edges)]
        if not present:
            return [[] for _ in edges]
        x = x.relu()
        size = x.numel() // x.shape[1] * self._part * len(edges)
        small = x.device.type != "cpu" or size < _JOINED_ELEMENTS
        in_a_row = edges[-1].row - edges[0].row == len(edges) - 1
        everywhere = all(op in edge.operations for op in present for edge in edges)
        if small and in_a_row and everywhere:
            joined: list[tuple[Tensor, Weight]] = [
                (self._unit(op, edges, x), None) for op in present
            ]
            return [[(part, None)] for part in weighted_sum(joined).split(self._part, dim=1)]
        return [
            [(self._unit(op, [edge], x), None) for op in present if op in edge.operations]
            for edge in edges
        ]

    def _unit(self, operation: int, edges: list[Edge], x: Tensor) -> Tensor:
        """Convolution and weighted batch normalisation for edges whose rows lie side by side."""
        part = self._part
        rows = slice(edges[0].row * part, (edges[-1].row + 1) * part)
        weight = (self.conv3x3 if operation == _BY_3X3 else self.conv1x1)[rows]
        statistics = self.norm.statistics((_CONVOLUTIONS.index(operation), rows))
        factors = [edge.operations[operation] for edge in edges]
        convolved = F.conv2d(x, weight, padding="same")
        return batch_norm(convolved, _scales(factors, part, x), None, statistics)


def _total(weights: Mapping[int, Weight]) -> Weight:
    """Sum of weights; None for one that is exactly 1."""
    if len(weights) == 1:
        return next(iter(weights.values()))
    given = [torch.ones(()) if weight is None else weight for weight in weights.values()]
    return torch.stack(given).sum()


def _scales(factors: list[Weight], channels: int, like: Tensor) -> Tensor | None:
    """Factors, each for so many channels; None when all of them are exactly 1."""
    if all(factor is None for factor in factors):
        return None
    given = [like.new_ones(()) if factor is None else factor for factor in factors]
    return torch.stack(given)[:, None].expand(-1, channels).flatten()


def _live_nodes(edges: set[tuple[int, int]]) -> set[int]:
    """Nodes that the cell's input reaches, and that reach its output."""
    reached = {0}
    for source, target in sorted(edges):
        if source in reached:
            reached.add(target)
    reaching = {NODES - 1}
    for source, target in sorted(edges, reverse=True):
        if target in reaching:
            reaching.add(source)
    return reached & reaching
