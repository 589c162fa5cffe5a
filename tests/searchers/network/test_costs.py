"""Costs of networks whose costs can be counted by hand."""

import torch
from torch import nn

from oneshot_hpo.searchers.network.costs import latency, multiply_accumulates, parameters


def test_costs_are_those_counted_by_hand() -> None:
    network = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1, bias=False), nn.Flatten(), nn.Linear(4 * 64, 5)
    )
    image = torch.zeros(1, 3, 8, 8)
    assert parameters(network) == 4 * 27 + 256 * 5 + 5
    assert multiply_accumulates(network, image) == 64 * 4 * 27 + 256 * 5
    depthwise = nn.Conv2d(4, 4, 3, padding=1, groups=4, bias=False)
    assert multiply_accumulates(depthwise, torch.zeros(1, 4, 8, 8)) == 64 * 4 * 9
    assert latency(network, image) > 0
