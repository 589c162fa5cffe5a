"""What a network costs: parameters, multiply-accumulates, and the time of a forward."""

from __future__ import annotations

import statistics
import time

import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

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
