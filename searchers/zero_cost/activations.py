"""NASWOT (Mellor et al. 2021): how differently images switch a network's ReLUs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode

from oneshot_hpo.searchers.network.scratch import ScratchNetworks

_SHARED = (Tensor.relu, Tensor.relu_)
"""ReLUs of our networks that serve several operations, each with one of its own in the authors'."""


def naswot(network: ScratchNetworks, images: Tensor) -> float:
    """The log-determinant of the kernel K (B, B): how many units two images switch alike.

    Each ReLU of the authors' network adds c c' + (1 - c)(1 - c'), where c (B, units) says which
    units are on. -inf where two images switch all alike.
    """
    with torch.enable_grad(), _Activations() as activations:
        logits = network(images)
    logits.sum().backward()
    kernel = torch.zeros(len(images), len(images), dtype=torch.float64, device=images.device)
    for one in activations.found:
        off = 1 - one.codes
        alike = one.codes @ one.codes.T + off @ off.T
        kernel += one.times * alike.double()
    return float(torch.linalg.slogdet(kernel)[1])


@dataclass
class _Activation:
    """The output of one ReLU. codes: float (B, units), 1 where a unit is on."""

    output: Tensor
    codes: Tensor
    is_shared: bool
    convolutions: int = 0
    """How many convolutions read a shared one."""
    is_used: bool = False
    """Whether the network's output depends on it."""

    @property
    def times(self) -> int:
        """How many ReLUs of the authors' network it stands for."""
        return self.convolutions if self.is_shared and self.convolutions else int(self.is_used)


class _Activations(TorchFunctionMode):
    """Notes every ReLU that is computed within the context, and what reads it."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[_Activation] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if func is F.conv2d:
            for one in self.found:
                one.convolutions += one.output is args[0]
        result = func(*args, **(kwargs or {}))
        if func is F.relu or func in _SHARED:
            self._note(result, is_shared=func in _SHARED)
        return result

    def _note(self, output: Tensor, *, is_shared: bool) -> None:
        codes = (output.detach() > 0).flatten(1).float()
        one = _Activation(output, codes, is_shared)
        self.found.append(one)

        def used(gradient: Tensor) -> None:
            one.is_used = True

        if output.requires_grad:
            output.register_hook(used)
