"""The base class of searchers that learn architecture weights by Adam."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from oneshot_hpo.searchers.searcher import Searcher
from oneshot_hpo.searchers.settings import SearchSettings


def clipped(gradients: Sequence[Tensor], largest: float) -> list[Tensor]:
    """Gradients whose L2 norm, of all together, is `largest` at most."""
    norm = torch.linalg.vector_norm(torch.stack(torch._foreach_norm(list(gradients))))
    factor = (largest / (norm + 1e-6)).clamp_max(1)
    return [gradient * factor for gradient in gradients]


class AlphaSearcher(Searcher):
    """A searcher whose state is its architecture weights and their optimizer.

    alphas: the weights, a list of tensors. optimizer: descends their gradients, Adam by default.
    """

    alphas: list[Tensor]
    optimizer: torch.optim.Optimizer

    def optimize(
        self, alphas: list[Tensor], settings: SearchSettings, betas: tuple[float, float]
    ) -> None:
        """Set alphas and their optimizer, with learning rate and decay of the settings."""
        self.alphas = alphas
        self.optimizer = torch.optim.Adam(
            alphas,
            lr=settings.arch_rate,
            betas=betas,
            weight_decay=settings.arch_weight_decay,
            foreach=True,
            # On a GPU the arithmetic of a CUDA graph, so that `cuda_graphs` changes no result:
            # steps are counted there, and the bias of the first ones is corrected in float32.
            capturable=any(alpha.is_cuda for alpha in alphas),
        )

    def architecture_weights(self) -> Sequence[Tensor]:
        """Alpha."""
        return self.alphas

    def state_dict(self) -> dict[str, Any]:
        """Alpha and the state of the optimizer."""
        return {
            "alphas": [alpha.detach() for alpha in self.alphas],
            "optimizer": self.optimizer.state_dict(),
        }

    @torch.no_grad()
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a searcher of the same space."""
        for alpha, saved in zip(self.alphas, state["alphas"], strict=True):
            alpha.copy_(saved)
        self.optimizer.load_state_dict(state["optimizer"])
