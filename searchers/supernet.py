"""The one-shot model: every architecture of a search space in one network with shared weights.

Zela, Siems and Hutter, NAS-Bench-1Shot1 (ICLR 2020), figure 2: a stem, then stacks of cells; in
a cell, choice blocks hold all three operations, and 1 x 1 projections lead from the cell's input
to each choice block and to the output. It differs from the paper's network in what makes it
nearer to NAS-Bench-101's: batch normalisation always uses the statistics of the batch, pooling
between stacks halves the image exactly, and the classifier follows the average pooling directly.
Choice blocks have all the channels of their stack, where NAS-Bench-101 splits the channels of the
output among its parents: weights could not be shared otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from searchers.encoding import Encoding
from searchers.operations import batch_norm_relu, both_convolutions, convolution_weight
from searchers.settings import SearchSettings


class Supernet(nn.Module):
    """Stem, `stacks` times `cells_per_stack` cells, average pooling, linear classifier.

    num_blocks: choice blocks n in a cell; a cell's output has n times the channels of its stack.
    in_channels, classes: colours of an image, and labels.
    generator: draws the initial weights on the CPU, the same for every device.
    """

    def __init__(
        self,
        num_blocks: int,
        in_channels: int,
        classes: int,
        settings: SearchSettings,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        self._cells_per_stack = settings.cells_per_stack
        width = settings.channels
        self.stem = convolution_weight(
            width, in_channels, 3, 3, fan_in=9 * in_channels, generator=generator
        )
        self.stem_scale = nn.Parameter(torch.ones(width))
        self.stem_shift = nn.Parameter(torch.zeros(width))
        self.cells = nn.ModuleList()
        before = width
        for stack in range(settings.stacks):
            channels = width * 2**stack
            for _ in range(settings.cells_per_stack):
                self.cells.append(Cell(num_blocks, before, channels, generator))
                before = num_blocks * channels
        self.classifier = convolution_weight(classes, before, fan_in=before, generator=generator)
        self.classifier_bias = nn.Parameter(torch.zeros(classes))

    def forward(self, images: Tensor, encoding: Encoding) -> Tensor:
        """Images (N, in_channels, H, H), normalised, to logits (N, classes)."""
        x = F.conv2d(images, self.stem, padding=1)
        # Here, not before: images of one colour do not tell PyTorch their memory format.
        x = x.contiguous(memory_format=torch.channels_last)
        x = batch_norm_relu(x, self.stem_scale, self.stem_shift)
        weights = _EdgeWeights(encoding)
        for index, cell in enumerate(self.cells):
            if index > 0 and index % self._cells_per_stack == 0:
                x = F.max_pool2d(x, 2)
            x = cell(x, weights)
        # A mean over (2, 3) would send its gradient back channels first.
        average = F.avg_pool2d(x, x.shape[2:]).flatten(1)
        return F.linear(average, self.classifier, self.classifier_bias)


class _EdgeWeights:
    """An encoding, taken apart once for all cells; n choice blocks.

    convolutions: (n, 2, 1), of the 3 x 3 and the 1 x 1 convolution of each block.
    pooling: n scalars.
    projections: (2 n, 1), of the edges from the cell's input to the blocks 1..n and n times to
        the output, which has n times the channels.
    inner: for each block the scalars of its edges from the blocks before it; None: exactly 1.
    output: (n, 1), of the edges from the blocks to the output.
    """

    def __init__(self, encoding: Encoding) -> None:
        blocks = len(encoding.parents)
        self.convolutions = encoding.operations[:, :2, None]
        self.pooling = encoding.operations[:, 2].unbind()
        self.inner: list[tuple[Tensor | None, ...]] = []
        first = []
        for node, weights in enumerate(encoding.parents):
            if weights is None:
                first.append(encoding.output.new_ones(1))
                self.inner.append((None,) * node)
            else:
                first.append(weights[:1])
                self.inner.append(weights[1:].unbind())
        self.projections = torch.cat((*first, encoding.output[:1].expand(blocks)))[:, None]
        self.output = encoding.output[1:, None]


class Cell(nn.Module):
    """A cell of n choice blocks with C channels each: (N, in_channels, H, W) to (N, n C, H, W).

    The parameters of all blocks are stacked: projections to blocks 1..n and to the output
    (2 n C, in_channels, 1, 1), convolutions (n, C, C, 3, 3) and (n, C, C, 1, 1), batch
    normalisation of blocks (n, 2, C), 3 x 3 before 1 x 1.
    """

    def __init__(
        self, num_blocks: int, in_channels: int, channels: int, generator: torch.Generator
    ) -> None:
        super().__init__()
        self._blocks = num_blocks
        self._channels = channels
        projected = 2 * num_blocks * channels
        self.projection = convolution_weight(
            projected, in_channels, 1, 1, fan_in=in_channels, generator=generator
        )
        self.projection_scale = nn.Parameter(torch.ones(projected))
        self.projection_shift = nn.Parameter(torch.zeros(projected))
        square = (num_blocks, channels, channels)
        self.conv3x3 = convolution_weight(*square, 3, 3, fan_in=9 * channels, generator=generator)
        self.conv1x1 = convolution_weight(*square, 1, 1, fan_in=channels, generator=generator)
        self.scale = nn.Parameter(torch.ones(num_blocks, 2, channels))
        self.shift = nn.Parameter(torch.zeros(num_blocks, 2, channels))

    def forward(self, x: Tensor, weights: _EdgeWeights) -> Tensor:
        """Weighted sums over operations and parents; the output concatenates the blocks."""
        channels = self._channels
        # w * relu(g * z + b) = relu(w * g * z + w * b) for w > 0: weights join the affine maps.
        *inputs, output = self._project(x, weights).split(
            [channels] * self._blocks + [channels * self._blocks], dim=1
        )
        convolutions = both_convolutions(self.conv3x3, self.conv1x1).unbind()
        scales = (self.scale * weights.convolutions).flatten(1).unbind()
        shifts = (self.shift * weights.convolutions).flatten(1).unbind()

        blocks: list[Tensor] = []
        for j, total in enumerate(inputs):
            for block, weight in zip(blocks, weights.inner[j], strict=True):
                total = total + block if weight is None else torch.addcmul(total, block, weight)
            convolved = F.conv2d(total, convolutions[j], padding=1)
            convolved = batch_norm_relu(convolved, scales[j], shifts[j])
            pooled = F.max_pool2d(total, 3, stride=1, padding=1)
            by_3x3, by_1x1 = convolved.chunk(2, dim=1)
            blocks.append(torch.addcmul(by_3x3 + by_1x1, pooled, weights.pooling[j]))

        per_channel = weights.output.expand(-1, channels).reshape(1, -1, 1, 1)
        return torch.addcmul(output, torch.cat(blocks, dim=1), per_channel)

    def _project(self, x: Tensor, weights: _EdgeWeights) -> Tensor:
        scale = (self.projection_scale.view(-1, self._channels) * weights.projections).flatten()
        shift = (self.projection_shift.view(-1, self._channels) * weights.projections).flatten()
        return batch_norm_relu(F.conv2d(x, self.projection), scale, shift)
