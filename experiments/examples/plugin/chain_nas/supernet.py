"""The supernet: every chain in one network with shared weights."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.network.operations import (
    Normalisation,
    convolution_weight,
    global_average,
    weighted_sum,
)
from oneshot_hpo.searchers.settings import SearchSettings


class Layer(nn.Module):
    def __init__(self, channels: int, generator: torch.Generator) -> None:
        super().__init__()
        for size in (3, 5):
            fan_in = size * size * channels
            shape = (channels, channels, size, size)
            weight = convolution_weight(*shape, fan_in=fan_in, generator=generator)
            self.register_parameter(f"conv{size}x{size}", weight)
        self.norm3x3, self.norm5x5 = Normalisation(channels), Normalisation(channels)

    def candidate(self, place: int, x: Tensor) -> Tensor:
        if place == 1:
            return self.norm3x3(F.conv2d(x.relu(), self.conv3x3, padding=1))
        if place == 2:
            return self.norm5x5(F.conv2d(x.relu(), self.conv5x5, padding=2))
        return x if place == 0 else F.avg_pool2d(x, 3, stride=1, padding=1)


class ChainNetwork(OneShotNetwork):
    def __init__(self, colours: int, classes: int, channels: int, generator: torch.Generator):
        super().__init__()
        shape = (channels, colours, 3, 3)
        self.stem = convolution_weight(*shape, fan_in=9 * colours, generator=generator)
        self.norm = Normalisation(channels)
        self.layers = nn.ModuleList(Layer(channels, generator) for _ in range(3))
        self.head = convolution_weight(classes, channels, fan_in=channels, generator=generator)

    def forward(self, images: Tensor, encoding: Encoding) -> Tensor:
        x = self.norm(F.conv2d(images, self.stem, padding=1))
        for layer, weights in zip(self.layers, encoding.weights, strict=True):
            x = weighted_sum([(layer.candidate(place, x), w) for place, w in weights.items()])
        return F.linear(global_average(x.relu()), self.head)


def supernet_of(
    space: SearchSpace, data: ImageSplits, settings: SearchSettings, generator: torch.Generator
) -> ChainNetwork:
    return ChainNetwork(data.channels, data.classes, settings.channels, generator)
