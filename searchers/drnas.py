"""DrNAS (Chen, Wang, Cheng, Tang and Hsieh, ICLR 2021), without progressive learning."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.searchers.drawn_mixture import DrawnMixture

_SMALLEST, _LARGEST = 1e-6, 1e6  # concentrations: torch's draws may never end beside them


class DrNas(DrawnMixture):
    """Shares are drawn from a Dirichlet distribution, whose concentration is elu(alpha) + 1.

    Alpha descends the validation loss by pathwise derivatives. Its weight decay is
    the distance from the uniform concentration 1 that the authors penalise. The
    search ends with the mean of the distribution.
    """

    def shares(self, alpha: Tensor) -> Tensor:
        """The mean of the distribution."""
        given = concentration(alpha)
        return given / given.sum(-1, keepdim=True)

    def strength(self, logits: Tensor, is_group: bool) -> Tensor:
        """The mean of the distribution, or its logarithm."""
        mean = self.shares(logits)
        return mean if is_group else mean.log()

    def drawn_shares(self, alpha: Tensor) -> Tensor:
        """A draw from the distribution of each row."""
        drawn: Tensor = _Draw.apply(concentration(alpha).cpu(), self.generator)
        return drawn.to(alpha.device)


def concentration(alpha: Tensor) -> Tensor:
    """Of the Dirichlet distribution of each row; positive, whatever alpha is."""
    return (F.elu(alpha) + 1).nan_to_num(1.0).clamp(_SMALLEST, _LARGEST)


class _Draw(torch.autograd.Function):
    """A Dirichlet draw by a generator of its own, with torch.distributions' gradient."""

    @staticmethod
    def forward(ctx: Any, given: Tensor, generator: torch.Generator) -> Tensor:
        drawn = torch._sample_dirichlet(given, generator)
        ctx.save_for_backward(drawn, given)
        return drawn

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Any:
        drawn, given = ctx.saved_tensors
        total = given.sum(-1, keepdim=True).expand_as(given)
        slope = torch._dirichlet_grad(drawn, given, total)
        return slope * (gradient - (drawn * gradient).sum(-1, keepdim=True)), None
