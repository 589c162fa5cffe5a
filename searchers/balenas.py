"""BaLeNAS (Zhang et al., CVPR 2022), by Vadam (Khan et al., ICML 2018)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from oneshot_hpo.searchers.drawn_mixture import DrawnMixture
from oneshot_hpo.searchers.own_settings import BaLeNasSettings
from oneshot_hpo.searchers.settings import SearchSettings


class BaLeNas(DrawnMixture):
    """Alpha has a Gaussian distribution, which natural gradients move to the posterior.

    alphas: its means. Its precisions are the optimizer's. Each step draws alpha, and the shares are
    its softmax. The search ends with the means.
    """

    optimizer: Vadam

    def optimize(
        self, alphas: list[Tensor], settings: SearchSettings, betas: tuple[float, float]
    ) -> None:
        """Set alphas and Vadam, whose prior has the weight decay's precision."""
        assert isinstance(settings, BaLeNasSettings)
        self.alphas = alphas
        self.optimizer = Vadam(
            alphas,
            lr=settings.arch_rate,
            betas=betas,
            weight_decay=settings.arch_weight_decay,
            images=settings.likelihood_images,
        )

    def drawn_shares(self, alpha: Tensor) -> Tensor:
        """The softmax of a draw of alpha."""
        noise = torch.randn(alpha.shape, generator=self.generator).to(alpha)
        return (alpha + self.optimizer.deviation(alpha) * noise).softmax(-1)


class Vadam(torch.optim.Optimizer):
    """Adam that learns a Gaussian distribution of each value; gradients are those at a draw of it.

    lr: the step. betas: decays of the mean gradient and of the mean squared gradient s.
    weight_decay: precision of the prior over the number of images. images: N; the precision of a
    value is N s plus that of the prior, by which it begins. All above 0.
    """

    def __init__(
        self,
        weights: list[Tensor],
        *,
        lr: float,
        betas: tuple[float, float],
        weight_decay: float,
        images: int,
    ) -> None:
        defaults = {"lr": lr, "betas": betas, "weight_decay": weight_decay, "images": images}
        super().__init__(weights, defaults)

    def deviation(self, weight: Tensor) -> Tensor:
        """Standard deviation of a weight, of its shape."""
        (group,) = self.param_groups
        squares = self.state[weight].get("squares", torch.zeros_like(weight))
        return (group["images"] * (squares + group["weight_decay"])).rsqrt().detach()

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Move means and precisions by the gradients of the weights, whose values are the means."""
        assert closure is None
        (group,) = self.param_groups
        (first, second), decay = group["betas"], group["weight_decay"]
        for weight in group["params"]:
            assert weight.grad is not None
            state = self.state[weight]
            if not state:
                state.update(
                    steps=0, mean=torch.zeros_like(weight), squares=torch.zeros_like(weight)
                )
            state["steps"] += 1
            state["mean"].lerp_(weight.grad + decay * weight, 1 - first)
            state["squares"].lerp_(weight.grad.square(), 1 - second)

            mean = state["mean"] / (1 - first ** state["steps"])
            squares = state["squares"] / (1 - second ** state["steps"])
            weight.addcdiv_(mean, squares.sqrt() + decay, value=-group["lr"])
