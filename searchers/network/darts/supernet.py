"""The supernet of DARTS's space: normal and reduction cells in one network with shared weights.

Liu, Simonyan and Yang (ICLR 2019), section 3.1.1, and cnn/model_search.py of the authors' code: a
3 x 3 stem with three times the channels, cells that take the outputs of the two cells before them,
global average pooling, a linear classifier. The first cell of each stack but the first is a
reduction cell: with 3 stacks of n cells they are at a third and two thirds of the depth, as in the
paper (whose search has 8 cells, stacks of 2, 3 and 3, and 16 channels). There are two presets of
it (`SearchSettings.supernet`):

paper: the authors' network. Running statistics move by 0.1 with each batch, those of architecture
    steps included.
corrected: batch normalisation always uses the statistics of the batch.

In both, batch normalisation in cells has no parameters, and pooling is normalised. Operations that
a step does not compute are left as they are: neither momentum nor weight decay moves them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.search_spaces.darts.space import CELLS
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.darts.cell import (
    STEM_MULTIPLIER,
    SearchCell,
    cell_frames,
    wirings,
)
from oneshot_hpo.searchers.network.darts.operations import convolution
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.network.operations import (
    BatchNorm,
    convolution_weight,
    global_average,
)
from oneshot_hpo.searchers.settings import SearchSettings

_PAPER_MOMENTUM = 0.1  # PyTorch's default
_NORMAL, _REDUCE = CELLS


class Supernet(OneShotNetwork):
    """Stem, `stacks` times `cells_per_stack` cells, average pooling, linear classifier.

    in_channels, classes: colours of an image, and labels.
    generator: draws the initial weights on the CPU, the same for every device.
    """

    def __init__(
        self,
        in_channels: int,
        classes: int,
        settings: SearchSettings,
        generator: torch.Generator,
    ) -> None:
        super().__init__()
        channels = STEM_MULTIPLIER * settings.channels
        self.stem = convolution(in_channels, channels, 3)
        self.stem_norm = BatchNorm(channels)
        frames = cell_frames(settings.channels, settings.stacks, settings.cells_per_stack)
        self.cells = nn.ModuleList(
            SearchCell(frame, settings.channel_proportion) for frame in frames
        )
        _draw_convolutions(self, generator)
        features = frames[-1].outputs
        self.classifier = convolution_weight(
            classes, features, fan_in=features, generator=generator
        )
        self.classifier_bias = convolution_weight(classes, fan_in=features, generator=generator)
        if settings.supernet == "paper":
            self.keep_statistics(_PAPER_MOMENTUM)

    def forward(self, images: Tensor, encoding: Encoding) -> Tensor:
        """Images (N, in_channels, H, H), normalised, to logits (N, classes)."""
        wiring = wirings(encoding)
        # Here, not before: images of one colour do not tell PyTorch their memory format.
        stem = self.stem(images).contiguous(memory_format=torch.channels_last)
        before = last = self.stem_norm(stem)
        for cell in self.cells:
            assert isinstance(cell, SearchCell)
            kind = _REDUCE if cell.frame.is_reduction else _NORMAL
            before, last = last, cell((before, last), wiring[kind])
        return F.linear(global_average(last), self.classifier, self.classifier_bias)

    def operation_units(self) -> dict[str, Tensor]:
        """Each operation with weights of each edge of each cell."""
        units: dict[str, Tensor] = {}
        numbers: dict[str, int] = {}
        for name, parameter in self.named_parameters():
            parts = name.split(".")
            if parts[0] == "cells" and parts[2] == "edges":
                number = numbers.setdefault(".".join(parts[:5]), len(numbers))
                units[name] = torch.full((1,) * parameter.ndim, number)
        return units


def supernet_of(
    space: SearchSpace,
    data: ImageSplits,
    settings: SearchSettings,
    generator: torch.Generator,
) -> Supernet:
    """The supernet of the space (`one_shot.supernet_of`)."""
    return Supernet(data.channels, data.classes, settings, generator)


@torch.no_grad()
def _draw_convolutions(network: nn.Module, generator: torch.Generator) -> None:
    """Draw weights from U(-1/sqrt(fan_in), 1/sqrt(fan_in)), PyTorch's default."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            bound = module.weight[0].numel() ** -0.5
            module.weight.uniform_(-bound, bound, generator=generator)
