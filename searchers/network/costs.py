"""What a network costs: parameters, multiply-accumulates, and the time of a forward."""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.network.scratch import ScratchSettings, scratch_networks_of

_WARM_UPS, _FORWARDS = 3, 21


def parameters(network: nn.Module) -> int:
    """Trainable parameters."""
    return sum(parameter.numel() for parameter in network.parameters())


def multiply_accumulates(network: nn.Module, image: torch.Tensor) -> int:
    """Of convolutions and matrix products in a forward of one image (1, C, H, W)."""
    network.eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(image)
    return int(counter.get_total_flops()) // 2


def multiply_accumulates_of(
    space: SearchSpace,
    architecture: Architecture,
    image_channels: int,
    image_size: int,
    classes: int,
    settings: ScratchSettings,
) -> int:
    """`multiply_accumulates` of an architecture's own network.

    Nothing is computed: the shapes alone decide. Raises SettingsError for a space whose
    architectures cannot be trained here.
    """
    with torch.device("meta"):
        network = scratch_networks_of(space, [architecture], image_channels, classes, settings)
        image = torch.empty(1, image_channels, image_size, image_size)
    return multiply_accumulates(network, image)


def latency(network: nn.Module, image: torch.Tensor) -> float:
    """Median seconds of a forward of one image (1, C, H, W), on the device of both."""
    network.eval()
    seconds = []
    with torch.no_grad():
        for forward in range(_WARM_UPS + _FORWARDS):
            started = time.perf_counter()
            network(image)
            if image.is_cuda:
                torch.cuda.synchronize(image.device)
            if forward >= _WARM_UPS:
                seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)
