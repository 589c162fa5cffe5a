"""A cell of the one-shot model: choice blocks, projections of its input, weighted edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneshot_hpo.search_spaces.nasbench101.cell import CONV1X1, CONV3X3, MAXPOOL3X3, OPERATIONS
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.operations import (
    BatchNorm,
    batch_norm_relu,
    both_convolutions,
    convolution_weight,
    shuffled,
    weighted_sum,
)

_BY_3X3, _BY_1X1, _POOLED = map(OPERATIONS.index, (CONV3X3, CONV1X1, MAXPOOL3X3))

# On a CPU, fused calls save time for small images and lose it on strided slices of large ones.
_FUSED_ELEMENTS = 100_000


def fusing_pays(x: Tensor, channels: int) -> bool:
    """Whether one call with more output channels beats several, for blocks of this size."""
    return x.device.type != "cpu" or x.numel() // x.shape[1] * channels < _FUSED_ELEMENTS


class Wiring:
    """An encoding, prepared once for all cells of a forward pass; n choice blocks.

    A block on no path to the output is not computed.

    operations: for the blocks 1..n, places in OPERATIONS with their weights. parents: for the
        blocks, then the output, source nodes with their weights; 0 is the cell's input.
    blocks: those that are computed, 1..n. projected: the nodes among them and the output, n + 1,
        to which an edge leads from the cell's input. output: blocks that feed the output.
    factors: (n, 2, 1) weights of the 3 x 3 and the 1 x 1 convolution of each block, and
    projection_factors: (2 n, 1), of the edges from the cell's input to the blocks 1..n and n
        times to the output, which has n times the channels. They are multiplied into the affine
        map of the batch normalisation before the ReLU; None: nothing is.
    """

    def __init__(self, encoding: Encoding) -> None:
        n = len(encoding.weights) // 2
        self.parents, self.operations = encoding.weights[: n + 1], encoding.weights[n + 1 :]
        self.blocks = _live_blocks(self.parents)
        self.projected = [node for node in (*self.blocks, n + 1) if 0 in self.parents[node - 1]]
        self.output = sorted(set(self.parents[-1]) - {0})
        self._folds = encoding.positive
        convolved = [block.get(place) for block in self.operations for place in (_BY_3X3, _BY_1X1)]
        projected = [sources.get(0) for sources in self.parents]
        folded = _stacked(convolved) if self._folds else None
        self.factors = None if folded is None else folded.view(n, 2, 1)
        folded = _stacked(projected + [projected[n]] * (n - 1)) if self._folds else None
        self.projection_factors = None if folded is None else folded[:, None]

    def rest(self, weight: Weight) -> Weight:
        """The part of a weight that is applied after the ReLU."""
        return None if self._folds else weight


class OneShotCell(nn.Module):
    """A cell of n choice blocks with C channels each: (N, in_channels, H, W) to (N, n C, H, W).

    The parameters of all blocks are stacked: projections to blocks 1..n and to the output
    (2 n C, in_channels, 1, 1), convolutions (n, c, c, 3, 3) and (n, c, c, 1, 1), batch
    normalisation of blocks (n, 2, c), 3 x 3 before 1 x 1. So operations that a step does not
    compute have gradients of zero, and weight decay and momentum still move them, unless no block
    computes its own of that kind: then they have no gradient (in the preset paper the search gives
    them one).

    channel_proportion: k; operations see the first c = C / k channels, the others bypass them
        and all are shuffled (Xu et al., PC-DARTS, ICLR 2020, section 3.2).
    """

    def __init__(
        self,
        num_blocks: int,
        in_channels: int,
        channels: int,
        channel_proportion: int,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self.proportion = channel_proportion
        self.blocks, self.channels = num_blocks, channels
        projected, part = 2 * num_blocks * channels, channels // channel_proportion
        self.projection = convolution_weight(
            projected, in_channels, 1, 1, fan_in=in_channels, generator=generator
        )
        self.projection_norm = BatchNorm(projected)
        square = (num_blocks, part, part)
        self.conv3x3 = convolution_weight(*square, 3, 3, fan_in=9 * part, generator=generator)
        self.conv1x1 = convolution_weight(*square, 1, 1, fan_in=part, generator=generator)
        self.norm = BatchNorm(num_blocks, 2, part)

    def forward(self, x: Tensor, before: list[int] | None, wiring: Wiring) -> Tensor:
        """The output's channels: those of all blocks, or only of `held_blocks`.

        before: the blocks, 1.., of the cell before whose channels x holds; None: x is whole.
        """
        fused = self.norm.momentum is None and fusing_pays(x, self.channels)
        projected = self.project(x, before, wiring, fused)
        choices = Choices(self, wiring, fused)
        values: dict[int, Tensor] = {}
        for block in wiring.blocks:
            parents = wiring.parents[block - 1]
            terms = [
                (projected[block], wiring.rest(parents[source]))
                if source == 0
                else (values[source], parents[source])
                for source in sorted(parents)  # `torch.compile` sorts no pairs with tensors
            ]
            values[block] = choices(block, weighted_sum(terms))
        return self._output(projected.get(self.blocks + 1), values, wiring)

    def project(
        self, x: Tensor, before: list[int] | None, wiring: Wiring, fused: bool
    ) -> dict[int, Tensor]:
        """1 x 1 convolutions, batch normalisation and ReLU of the cell's input, by node."""
        n, channels = self.blocks, self.channels
        weight = columns(self.projection, before, n)
        norm = self.projection_norm
        scale: Tensor = norm.scale
        shift: Tensor = norm.shift
        if wiring.projection_factors is not None:
            scale = (scale.view(2 * n, -1) * wiring.projection_factors).flatten()
            shift = (shift.view(2 * n, -1) * wiring.projection_factors).flatten()

        sizes = [channels] * n + [n * channels]
        wanted = wiring.projected
        if fused and len(wanted) > 1:
            if len(wanted) < n + 1:
                weight, scale, shift = (
                    torch.cat([split[node - 1] for node in wanted])
                    for split in (whole.split(sizes) for whole in (weight, scale, shift))
                )
            joined = batch_norm_relu(F.conv2d(x, weight), scale, shift)
            parts = joined.split([sizes[node - 1] for node in wanted], dim=1)
            return dict(zip(wanted, parts, strict=True))

        weights, scales, shifts = (whole.split(sizes) for whole in (weight, scale, shift))
        projected = {}
        for node in wanted:
            start = (node - 1) * channels
            statistics = norm.statistics(slice(start, start + sizes[node - 1]))
            projected[node] = batch_norm_relu(
                F.conv2d(x, weights[node - 1]), scales[node - 1], shifts[node - 1], statistics
            )
        return projected

    def _output(
        self, projected: Tensor | None, values: dict[int, Tensor], wiring: Wiring
    ) -> Tensor:
        """The blocks that feed the output side by side, on top of the input's projection."""
        edges = wiring.parents[-1]
        if projected is None:
            return torch.cat([weighted_sum([(values[b], edges[b])]) for b in wiring.output], dim=1)

        weight = wiring.rest(edges[0])
        if not wiring.output:
            return weighted_sum([(projected, weight)])
        if len(wiring.output) < self.blocks:
            slices = projected.split(self.channels, dim=1)
            sums = []
            for block, part in enumerate(slices, start=1):
                terms = [(part, weight)]
                if block in wiring.output:
                    terms.append((values[block], edges[block]))
                sums.append(weighted_sum(terms))
            return torch.cat(sums, dim=1)

        total = weighted_sum([(projected, weight)])
        joined = torch.cat([values[block] for block in wiring.output], dim=1)
        factors = _stacked([edges[block] for block in wiring.output])
        if factors is None:
            return total + joined
        per_channel = factors[:, None].expand(-1, self.channels).reshape(1, -1, 1, 1)
        return torch.addcmul(total, joined, per_channel)


class Choices:
    """The choice blocks of a cell, their parameters taken apart once for all blocks."""

    def __init__(self, cell: OneShotCell, wiring: Wiring, fused: bool) -> None:
        self._wiring, self._norm, self._proportion = wiring, cell.norm, cell.proportion
        scale: Tensor = cell.norm.scale
        shift: Tensor = cell.norm.shift
        if wiring.factors is not None:
            scale, shift = scale * wiring.factors, shift * wiring.factors
        pairs = [{_BY_3X3, _BY_1X1} <= operations.keys() for operations in wiring.operations]
        self._fused = fused and all(pairs)
        if self._fused:
            self._joined = both_convolutions(cell.conv3x3, cell.conv1x1).unbind()
            self._scales, self._shifts = scale.flatten(1).unbind(), shift.flatten(1).unbind()
        else:
            self._weights = {_BY_3X3: cell.conv3x3.unbind(), _BY_1X1: cell.conv1x1.unbind()}
            self._scales, self._shifts = (both.flatten(0, 1).unbind() for both in (scale, shift))

    def __call__(self, block: int, x: Tensor) -> Tensor:
        """Weighted sum of a block's operations, 1 the first block; x (N, C, H, W)."""
        if self._proportion == 1:
            return self._mixed(block - 1, x)
        part, *others = x.chunk(self._proportion, dim=1)
        part = part.contiguous(memory_format=torch.channels_last)
        return shuffled([self._mixed(block - 1, part), *others])

    def _mixed(self, row: int, x: Tensor) -> Tensor:
        operations = self._wiring.operations[row]
        terms: list[tuple[Tensor, Weight]] = []
        if self._fused:
            both = F.conv2d(x, self._joined[row], padding=1)
            both = batch_norm_relu(both, self._scales[row], self._shifts[row])
            rests = [self._wiring.rest(operations[place]) for place in (_BY_3X3, _BY_1X1)]
            terms += zip(both.chunk(2, dim=1), rests, strict=True)
        else:
            for place in (_BY_3X3, _BY_1X1):
                if place in operations:
                    rest = self._wiring.rest(operations[place])
                    terms.append((self._convolved(row, place, x), rest))
        if _POOLED in operations:
            terms.append((F.max_pool2d(x, 3, stride=1, padding=1), operations[_POOLED]))
        return weighted_sum(terms)

    def _convolved(self, row: int, place: int, x: Tensor) -> Tensor:
        unit = 2 * row + place
        return batch_norm_relu(
            F.conv2d(x, self._weights[place][row], padding="same"),
            self._scales[unit],
            self._shifts[unit],
            self._norm.statistics((row, place)),
        )


def columns(weight: Tensor, blocks: list[int] | None, num_blocks: int) -> Tensor:
    """The input channels (dimension 1) that belong to some of the n blocks; None: all of them."""
    if blocks is None:
        return weight
    parts = weight.chunk(num_blocks, dim=1)
    return torch.cat([parts[block - 1] for block in blocks], dim=1)


def held_blocks(wiring: Wiring) -> list[int] | None:
    """The blocks whose channels a cell's output holds; None: all."""
    all_blocks = len(wiring.operations) == len(wiring.output)
    return None if 0 in wiring.parents[-1] or all_blocks else wiring.output


def _live_blocks(parents: Sequence[Mapping[int, Weight]]) -> list[int]:
    """The choice blocks, 1..n, from which a path leads to the output, in ascending order."""
    output = len(parents)
    live = {output}
    for node in range(output, 0, -1):
        if node in live:
            live.update(parents[node - 1])
    return sorted(live - {0, output})


def _stacked(weights: list[Weight]) -> Tensor | None:
    """Weights as one tensor; None when all of them are exactly 1."""
    given = [weight for weight in weights if weight is not None]
    if not given:
        return None
    one = given[0].new_ones(())
    return torch.stack([one if weight is None else weight for weight in weights])
