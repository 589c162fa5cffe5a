"""Scores from a network's weights and their gradients (Abdelfattah et al. 2021)."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from oneshot_hpo.searchers.network.scratch import ScratchNetworks


def gradient_norm(network: ScratchNetworks, images: Tensor, labels: Tensor) -> float:
    """Sum over layers of the norm of the weights' gradient of the cross-entropy on a batch."""
    network.zero_grad(set_to_none=True)
    F.cross_entropy(network(images)[..., 0], labels).backward()
    norms = [weight.grad.norm() for weight in _weights(network) if weight.grad is not None]
    return float(torch.stack(norms).sum())


def synflow(network: ScratchNetworks, images: Tensor) -> float:
    """Sum over weights of |weight * gradient|, of an image of ones and weights without their signs.

    Tanaka et al. (2020), as the authors of zero-cost proxies use it: in double precision, batch
    normalisation as the identity. images: their shape alone counts. The network is left as it is.
    """
    positive = copy.deepcopy(network).double()
    for module in positive.modules():
        if isinstance(module, nn.BatchNorm2d):
            # a clone: what follows may rectify it in place
            module.register_forward_hook(lambda module, inputs, output: inputs[0].clone())
    with torch.no_grad():
        for parameter in positive.parameters():
            parameter.abs_()

    positive.zero_grad(set_to_none=True)
    ones = torch.ones(1, *images.shape[1:], dtype=torch.float64, device=images.device)
    positive(ones).sum().backward()
    flows = [
        (weight.detach() * weight.grad).abs().sum()
        for weight in _weights(positive)
        if weight.grad is not None
    ]
    return float(torch.stack(flows).sum())


def _weights(network: ScratchNetworks) -> Iterator[nn.Parameter]:
    """The weights of convolutions and of the classifier: no biases, no batch normalisation."""
    return (parameter for parameter in network.parameters() if parameter.ndim > 2)
