"""DARTS, first order (Liu, Simonyan and Yang, ICLR 2019, algorithm 1 with xi = 0)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import OPERATIONS, Architecture, SearchSpace
from oneshot_hpo.searchers.alpha_searcher import AlphaSearcher
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
from oneshot_hpo.searchers.settings import SearchSettings

_INITIAL_DEVIATION = 1e-3
_BETAS = (0.5, 0.999)


class Darts(AlphaSearcher):
    """Softmax over operations and over parents; its logits, alpha, descend the validation loss.

    The weights of a node's edges sum to its number of parents, where the paper's sum to 1 (as
    they do with the supernet `paper`).

    alpha_operations: (n, 3). alpha_parents: for each node with more candidates than parents,
    (candidates,); node n + 1 is the output (NAS-Bench-1Shot1, section 3.2).
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        def alpha(*shape: int) -> Tensor:
            logits = _INITIAL_DEVIATION * torch.randn(shape, generator=generator)
            return logits.to(device).requires_grad_()

        self._space = space
        self._averages = settings.supernet == "paper"
        self.alpha_operations = alpha(space.num_blocks, len(OPERATIONS))
        self.alpha_parents = {
            node: alpha(node)
            for node, num_parents in enumerate(space.num_parents, start=1)
            if num_parents < node
        }
        self.optimize([self.alpha_operations, *self.alpha_parents.values()], settings, _BETAS)

    def architecture_step(
        self, supernet: Supernet, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> Tensor | None:
        """One Adam step of alpha down the validation loss."""
        loss, gradients = self.gradient(supernet, train, valid, weights)
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.optimizer.step()
        return loss

    def gradient(
        self, supernet: Supernet, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> tuple[Tensor, list[Tensor]]:
        """The validation loss and its gradient in alpha (equation 3 of DARTS, xi = 0)."""
        loss = F.cross_entropy(supernet(valid.images, self.mixture()), valid.labels)
        return loss.detach(), list(torch.autograd.grad(loss, self.alphas))

    @torch.no_grad()
    def weights_encoding(self) -> Encoding:
        """The mixture, its weights constant."""
        return self.mixture()

    def evaluation_encoding(self) -> Encoding:
        """The mixture that is trained."""
        return self.weights_encoding()

    def architecture(self) -> Architecture:
        """Of each choice block the operation, of each node the parents, with the largest alpha."""
        parents = []
        for node, num_parents in enumerate(self._space.num_parents, start=1):
            candidates = list(range(node))
            if node in self.alpha_parents:
                logits = self.alpha_parents[node].tolist()
                candidates.sort(key=lambda source: -logits[source])
            parents.append(tuple(sorted(candidates[:num_parents])))
        best = self.alpha_operations.argmax(1).tolist()
        return Architecture(tuple(parents), tuple(OPERATIONS[index] for index in best))

    def mixture(self) -> Encoding:
        """All operations and edges, with the weights that alpha gives them now."""
        operations = tuple(
            dict(enumerate(row.unbind())) for row in self.alpha_operations.softmax(1).unbind()
        )
        shares = {node: alpha.softmax(0) for node, alpha in self.alpha_parents.items()}
        return Encoding(operations, self.edges(shares))

    def edges(self, shares: dict[int, Tensor]) -> tuple[dict[int, Weight], ...]:
        """Edges into each node with a choice, weighted by shares that sum to 1, and all others."""
        edges: list[dict[int, Weight]] = []
        for node, num_parents in enumerate(self._space.num_parents, start=1):
            if node in shares:
                # k times the share where a node has k parents: the final cell adds them, each
                # with weight 1, as NAS-Bench-101 does. The paper's averages make nodes without a
                # choice, plain sums, the loudest, and the search then picks those.
                total = 1 if self._averages else num_parents
                edges.append(dict(enumerate((total * shares[node]).unbind())))
            else:
                edges.append(dict.fromkeys(range(node)))
        return tuple(edges)
