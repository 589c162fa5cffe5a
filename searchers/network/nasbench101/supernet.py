"""The one-shot model: every architecture of a search space in one network with shared weights.

Zela, Siems and Hutter, NAS-Bench-1Shot1 (ICLR 2020), figure 2: a stem, then stacks of cells; in
a cell, choice blocks hold all three operations, and 1 x 1 projections lead from the cell's input
to each choice block and to the output. There are two presets of it (`SearchSettings.supernet`):

corrected: nearer to NAS-Bench-101's network. Batch normalisation always uses the statistics of
    the batch, pooling between stacks halves the image exactly, the classifier follows the average
    pooling directly, and the searchers' edge weights sum to a node's number of parents.
paper: the authors' network as it is (github.com/automl/nasbench-1shot1, optimizers/darts).
    Running statistics move by 0.997 with each batch, those of architecture steps included. A step
    on one cell computes every operation, those of weight 0 too, so that the running statistics of
    all of them are the last batch's; GDAS alone computes what it draws. Pooling between stacks
    pads the image, a projection precedes the average pooling, edge weights sum to 1.

In both, choice blocks have all the channels of their stack, where NAS-Bench-101 splits the
channels of the output among its parents: weights could not be shared otherwise.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS
from oneshot_hpo.search_spaces.nasbench101.space import NasBench101Space
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.nasbench101 import many_cells
from oneshot_hpo.searchers.network.nasbench101.cell import OneShotCell, Wiring, columns, held_blocks
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.network.operations import (
    BatchNorm,
    Normalisation,
    batch_norm_relu,
    convolution_weight,
    global_average,
)
from oneshot_hpo.searchers.settings import SearchSettings

# TensorFlow's decay, taken for PyTorch's momentum, which is one minus it.
_PAPER_MOMENTUM = 0.997
_PAPER_HEAD_MOMENTUM = 0.1  # PyTorch's default, which the authors left there


class Supernet(OneShotNetwork):
    """Stem, `stacks` times `cells_per_stack` cells, average pooling, linear classifier.

    num_blocks: choice blocks n in a cell; a cell's output has n times the channels of its stack.
    in_channels, classes: colours of an image, and labels.
    generator: draws the initial weights on the CPU, the same for every device.
    channel_proportion: k of PC-DARTS; operations see one of k channels.
    """

    def __init__(
        self,
        num_blocks: int,
        in_channels: int,
        classes: int,
        settings: SearchSettings,
        generator: torch.Generator,
        channel_proportion: int = 1,
    ) -> None:
        super().__init__()
        is_paper = settings.supernet == "paper"
        self._cells_per_stack = settings.cells_per_stack
        self._blocks = num_blocks
        self._pool_padding = 1 if is_paper else 0
        width = settings.channels
        self.stem = convolution_weight(
            width, in_channels, 3, 3, fan_in=9 * in_channels, generator=generator
        )
        self.stem_norm = BatchNorm(width)

        self.cells = nn.ModuleList()
        before = width
        for stack in range(settings.stacks):
            channels = width * 2**stack
            for _ in range(settings.cells_per_stack):
                self.cells.append(
                    OneShotCell(num_blocks, before, channels, channel_proportion, generator)
                )
                before = num_blocks * channels

        self.head = _Head(before, channels, generator) if is_paper else None
        features = channels if is_paper else before
        self.classifier = convolution_weight(
            classes, features, fan_in=features, generator=generator
        )
        self.classifier_bias = nn.Parameter(torch.zeros(classes))
        if self.head is not None:
            # As torch.nn.Linear draws it, which is what the authors use.
            bound = features**-0.5
            nn.init.uniform_(self.classifier_bias, -bound, bound, generator=generator)
            self.keep_statistics(_PAPER_MOMENTUM)
            self.head.keep_statistics(_PAPER_HEAD_MOMENTUM, self.stem)

    def forward(self, images: Tensor, encoding: Encoding) -> Tensor:
        """Images (N, in_channels, H, H), normalised, to logits (N, classes)."""
        if self.head is not None and self.training and encoding.is_discrete:
            encoding = _with_every_candidate(encoding, self.stem.new_zeros(()))
        wiring = Wiring(encoding)
        x = self.cells[0](self.begin(images), None, wiring)
        for index in range(1, len(self.cells)):
            x = self.cells[index](self.before(index, x), held_blocks(wiring), wiring)
        return self.end(x, held_blocks(wiring))

    def operation_units(self) -> dict[str, Tensor]:
        """Both convolutions of each block of each cell."""
        units = {}
        for index in range(len(self.cells)):
            first = 2 * self._blocks * index
            pairs = torch.arange(first, first + 2 * self._blocks).view(-1, 2, 1)
            own = f"cells.{index}"
            units[f"{own}.conv3x3"] = pairs[:, 0].view(-1, 1, 1, 1, 1)
            units[f"{own}.conv1x1"] = pairs[:, 1].view(-1, 1, 1, 1, 1)
            units[f"{own}.norm.scale"] = units[f"{own}.norm.shift"] = pairs
        return units

    @torch.no_grad()
    def wrong_labels(
        self,
        architectures: Sequence[Architecture],
        images: Sequence[Batch],
        calibration: Tensor | None = None,
    ) -> Tensor:
        """As in every one-shot network; values shared by several cells are computed once."""
        return many_cells.wrong_labels(self, architectures, images, calibration)

    def begin(self, images: Tensor) -> Tensor:
        """The stem: images (N, in_channels, H, H) to the first cell's input (N, C, H, H)."""
        x = F.conv2d(images, self.stem, padding=1)
        # Here, not before: images of one colour do not tell PyTorch their memory format.
        x = x.contiguous(memory_format=torch.channels_last)
        norm = self.stem_norm
        return batch_norm_relu(x, norm.scale, norm.shift, norm.statistics(slice(None)))

    def before(self, index: int, x: Tensor) -> Tensor:
        """The input of cell number `index` from the output before it: pooled, or unchanged."""
        if index % self._cells_per_stack == 0:
            return F.max_pool2d(x, 2, padding=self._pool_padding)
        return x

    def end(self, x: Tensor, held: list[int] | None) -> Tensor:
        """The last cell's output, with the channels of the blocks `held`, to logits."""
        if self.head is not None:
            x, held = self.head.project(x, held, self._blocks), None
        weight = columns(self.classifier, held, self._blocks)
        return F.linear(global_average(x), weight, self.classifier_bias)


def supernet_of(
    space: NasBench101Space,
    data: ImageSplits,
    settings: SearchSettings,
    generator: torch.Generator,
) -> Supernet:
    """The supernet of one of the three spaces (`one_shot.supernet_of`)."""
    return Supernet(
        space.num_blocks,
        data.channels,
        data.classes,
        settings,
        generator,
        settings.channel_proportion,
    )


def _with_every_candidate(encoding: Encoding, zero: Tensor) -> Encoding:
    """An encoding with all candidates of every choice; absent ones get the weight `zero`."""
    blocks = len(encoding.weights) // 2
    numbers = [*range(1, blocks + 2), *[len(OPERATIONS)] * blocks]
    weights = tuple(
        {place: given.get(place, zero) for place in range(number)}
        for number, given in zip(numbers, encoding.weights, strict=True)
    )
    return Encoding(weights, positive=False)


class _Head(Normalisation):
    """The authors' `postprocess`: ReLU, 1 x 1 convolution, batch norm without parameters."""

    def __init__(self, in_channels: int, channels: int, generator: torch.Generator) -> None:
        super().__init__(channels)
        self.projection = convolution_weight(
            channels, in_channels, 1, 1, fan_in=in_channels, generator=generator
        )

    def project(self, x: Tensor, held: list[int] | None, num_blocks: int) -> Tensor:
        """The output of a cell, with the channels of the blocks `held`, to (N, C, H, W)."""
        return self.forward(F.conv2d(x.relu(), columns(self.projection, held, num_blocks)))
