"""DARTS, second order (Liu, Simonyan and Yang, ICLR 2019, algorithm 1, equations 7 and 8)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.own_settings import SecondOrderSettings
from oneshot_hpo.searchers.settings import SearchSettings


class SecondOrderDarts(Darts):
    """DARTS whose validation loss is that after one more step of the weights.

    xi, the size of that step, is the learning rate of the weights; the step is theirs, momentum
    and weight decay included, as in the authors' code. The Hessian-vector product is a finite
    difference: near kinks of the ReLUs it is far from the exact one, the more so the smaller
    `hessian_epsilon` is.
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        super().__init__(space, settings, device, generator)
        assert isinstance(settings, SecondOrderSettings)
        self._epsilon = settings.hessian_epsilon

    def gradient(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> tuple[Tensor, list[Tensor]]:
        """The validation loss after the virtual step and equation 7, its gradient in alpha."""
        w: list[Tensor] = list(supernet.parameters())
        xi = weights.param_groups[0]["lr"]
        loss = F.cross_entropy(supernet(train.images, self.weights_encoding()), train.labels)
        step = _sgd_step(weights, w, _gradients(loss, w))

        before = [parameter.detach().clone() for parameter in w]
        with torch.no_grad():
            torch._foreach_add_(w, step, alpha=-xi)
        loss = F.cross_entropy(supernet(valid.images, self.mixture()), valid.labels)
        gradients = _gradients(loss, [*self.alphas, *w])
        direct, v = gradients[: len(self.alphas)], gradients[len(self.alphas) :]

        epsilon = self._epsilon / torch.linalg.vector_norm(torch.stack(torch._foreach_norm(v)))
        shift = torch._foreach_mul(v, epsilon)
        sides = []
        for sign in (1, -1):
            with torch.no_grad():
                torch._foreach_copy_(w, torch._foreach_add(before, shift, alpha=sign))
            train_loss = F.cross_entropy(supernet(train.images, self.mixture()), train.labels)
            sides.append(_gradients(train_loss, self.alphas))
        with torch.no_grad():
            torch._foreach_copy_(w, before)
        implicit = [(plus - minus) / (2 * epsilon) for plus, minus in zip(*sides, strict=True)]
        both = zip(direct, implicit, strict=True)
        return loss.detach(), [first - xi * second for first, second in both]


def _gradients(loss: Tensor, inputs: list[Tensor]) -> tuple[Tensor, ...]:
    """Gradients, zero for what the loss does not depend on: choices may have been decided."""
    return torch.autograd.grad(loss, inputs, allow_unused=True, materialize_grads=True)


def _sgd_step(
    optimizer: torch.optim.SGD, weights: list[Tensor], gradients: tuple[Tensor, ...]
) -> list[Tensor]:
    """The step that SGD would take for these gradients, divided by its learning rate."""
    group: dict[str, Any] = optimizer.param_groups[0]
    values = [weight.detach() for weight in weights]
    step = list(torch._foreach_add(gradients, values, alpha=group["weight_decay"]))
    buffers = [optimizer.state[weight].get("momentum_buffer") for weight in weights]
    if any(buffer is not None for buffer in buffers):
        # A weight that no step has used yet has no momentum.
        known = [
            torch.zeros_like(weight) if buffer is None else buffer
            for weight, buffer in zip(values, buffers, strict=True)
        ]
        step = list(torch._foreach_add(step, known, alpha=group["momentum"]))
    return step
