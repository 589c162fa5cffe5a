"""The supernet of NAS-Bench-201: every cell of the space in one network with shared weights.

Dong and Yang, NAS-Bench-201 (ICLR 2020), section 2.1 and figure 1: a 3 x 3 stem, stacks of cells,
between them a residual block that halves the image and doubles the channels, batch normalisation
and ReLU, global average pooling, a linear classifier. The paper's has 16 channels and 3 stacks
(`stacks`) of 5 cells (`cells_per_stack`). There are two presets of it (`SearchSettings.supernet`):

paper: the authors' network for their searches (github.com/D-X-Y/AutoDL-Projects, TinyNetworkDarts
    with affine=0 and track_running_stats=0). In cells, batch normalisation has no parameters and
    uses the statistics of the batch; outside it has both, and running statistics that move by 0.1
    with each batch, those of architecture steps included.
corrected: running statistics are used nowhere, for those outside the cells are of other
    architectures than the one that is evaluated.

In neither do convolutions in a cell have the authors' bias: batch normalisation takes it away.
Batch normalisation in a cell has no parameters in `corrected` either: a scale would compete with
the weight of its operation. Edges are added with weight 1, and the weights of an edge's operations
sum to 1, in both: an edge is not a choice in this space.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.search_spaces.nasbench201.space import EDGES
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.nasbench201.cell import SearchCell, Wiring
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.network.operations import (
    BatchNorm,
    convolution_weight,
    global_average,
)
from oneshot_hpo.searchers.settings import SearchSettings

_PAPER_MOMENTUM = 0.1  # PyTorch's default


class Supernet(OneShotNetwork):
    """Stem, stacks of cells with residual blocks between them, average pooling, classifier.

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
        channels = settings.channels
        self.stem = convolution_weight(
            channels, in_channels, 3, 3, fan_in=9 * in_channels, generator=generator
        )
        self.stem_norm = BatchNorm(channels)
        self.body = nn.ModuleList()
        for stack in range(settings.stacks):
            if stack:
                self.body.append(ReductionBlock(channels, 2 * channels, generator))
                channels *= 2
            for _ in range(settings.cells_per_stack):
                self.body.append(SearchCell(channels, settings.channel_proportion, generator))
        self.last_norm = BatchNorm(channels)
        self.classifier = convolution_weight(
            classes, channels, fan_in=channels, generator=generator
        )
        self.classifier_bias = convolution_weight(classes, fan_in=channels, generator=generator)
        if settings.supernet == "paper":
            for module in self.modules():
                if isinstance(module, BatchNorm):
                    module.keep_statistics(_PAPER_MOMENTUM, self.stem)

    def forward(self, images: Tensor, encoding: Encoding) -> Tensor:
        """Images (N, in_channels, H, H), normalised, to logits (N, classes)."""
        wiring = Wiring(encoding)
        x = F.conv2d(images, self.stem, padding=1)
        # Here, not before: images of one colour do not tell PyTorch their memory format.
        x = self.stem_norm(x.contiguous(memory_format=torch.channels_last))
        for module in self.body:
            x = module(x, wiring) if isinstance(module, SearchCell) else module(x)
        x = self.last_norm(x).relu_()
        return F.linear(global_average(x), self.classifier, self.classifier_bias)

    def operation_units(self) -> dict[str, Tensor]:
        """Both convolutions of each edge of each cell."""
        units: dict[str, Tensor] = {}
        for index, module in enumerate(self.body):
            if isinstance(module, SearchCell):
                for name in ("conv3x3", "conv1x1"):
                    rows, channels = module.get_parameter(name).shape[:2]
                    first = len(units) * len(EDGES)
                    edge = torch.arange(rows) // channels
                    units[f"body.{index}.{name}"] = (first + edge).view(-1, 1, 1, 1)
        return units


class ReductionBlock(nn.Module):
    """A residual block with stride 2: (N, C, H, W) to (N, outputs, H / 2, W / 2), rounded up.

    Two times ReLU, 3 x 3 convolution, batch normalisation; added to a 1 x 1 convolution of the
    image after 2 x 2 average pooling (authors' ResNetBasicblock).
    """

    def __init__(self, inputs: int, outputs: int, generator: torch.Generator) -> None:
        super().__init__()
        self.first = convolution_weight(
            outputs, inputs, 3, 3, fan_in=9 * inputs, generator=generator
        )
        self.first_norm = BatchNorm(outputs)
        self.second = convolution_weight(
            outputs, outputs, 3, 3, fan_in=9 * outputs, generator=generator
        )
        self.second_norm = BatchNorm(outputs)
        self.shortcut = convolution_weight(
            outputs, inputs, 1, 1, fan_in=inputs, generator=generator
        )

    def forward(self, x: Tensor) -> Tensor:
        """Halve the image and double its channels."""
        halved = self.first_norm(F.conv2d(x.relu(), self.first, stride=2, padding=1))
        main: Tensor = self.second_norm(F.conv2d(halved.relu_(), self.second, padding=1))
        return main + F.conv2d(F.avg_pool2d(x, 2, ceil_mode=True), self.shortcut)


def supernet_of(
    space: SearchSpace,
    data: ImageSplits,
    settings: SearchSettings,
    generator: torch.Generator,
) -> Supernet:
    """The supernet of the space (`one_shot.supernet_of`)."""
    return Supernet(data.channels, data.classes, settings, generator)
