"""ProxylessNAS, the gradient-based variant (Cai, Zhu and Han, ICLR 2019)."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import OPERATIONS, Architecture, SearchSpace
from oneshot_hpo.searchers.alpha_searcher import AlphaSearcher
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
from oneshot_hpo.searchers.sampling import draw
from oneshot_hpo.searchers.settings import SearchSettings

_INITIAL_DEVIATION = 1e-3
_BETAS = (0.0, 0.999)  # no momentum: it would move the paths that were not drawn


class ProxylessNas(AlphaSearcher):
    """Binary gates: each step computes one path of each choice, an architecture step two.

    Choices are the operation of each block and, in these spaces, the set of parents of each node
    (a path is a set, not an edge: a node has a fixed number of parents).

    alphas: for blocks 1..n (3,), then for each node with more than one set of parents (sets,).
    """

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        self._space = space
        self._generator = generator
        self._nodes = [
            node for node, ways in enumerate(space.parent_choices, start=1) if len(ways) > 1
        ]
        sizes = [len(OPERATIONS)] * space.num_blocks
        sizes += [len(space.parent_choices[node - 1]) for node in self._nodes]
        alphas = [
            (_INITIAL_DEVIATION * torch.randn(size, generator=generator)).requires_grad_()
            for size in sizes
        ]
        self.optimize(alphas, settings, _BETAS)

    def architecture_step(
        self, supernet: Supernet, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> Tensor | None:
        """Two paths of each choice compete for the validation loss (section 3.2.1, equation 4).

        The two are drawn by their probabilities; one of them, by the softmax over the two, has
        gate 1. Afterwards their alphas are shifted together, so that the probabilities of all
        other paths stay as they were.
        """
        device = valid.images.device
        pairs = [draw(alpha, 2, self._generator) for alpha in self.alphas]
        probabilities, gates = [], []
        for alpha, pair in zip(self.alphas, pairs, strict=True):
            probability = alpha.detach()[pair].softmax(0)
            (open_gate,) = draw(probability.log(), 1, self._generator)
            probabilities.append(probability)
            gates.append(F.one_hot(torch.tensor(open_gate), 2).to(torch.get_default_dtype()))
        leaves = torch.stack(gates).to(device).requires_grad_()
        logits = supernet(valid.images, self._gated(pairs, leaves))
        loss = F.cross_entropy(logits, valid.labels)
        (slopes,) = torch.autograd.grad(loss, leaves)
        choices = zip(self.alphas, pairs, probabilities, slopes.cpu(), strict=True)
        for alpha, pair, probability, slope in choices:
            alpha.grad = torch.zeros_like(alpha)
            alpha.grad[pair] = probability * (slope - (slope * probability).sum())
        self._step(pairs)
        return loss.detach()

    def weights_encoding(self) -> Encoding:
        """One path of each choice, drawn by its probability."""
        places = [draw(alpha, 1, self._generator)[0] for alpha in self.alphas]
        return Encoding.discrete(self._decoded(places))

    def evaluation_encoding(self) -> Encoding:
        """The most likely paths."""
        return Encoding.discrete(self.architecture())

    def architecture(self) -> Architecture:
        """The most likely path of each choice."""
        return self._decoded([int(alpha.argmax()) for alpha in self.alphas])

    @torch.no_grad()
    def _step(self, pairs: list[list[int]]) -> None:
        before = [alpha.clone() for alpha in self.alphas]
        self.optimizer.step()
        for alpha, old, pair in zip(self.alphas, before, pairs, strict=True):
            new = alpha[pair]
            alpha.copy_(old)
            alpha[pair] = new + old[pair].logsumexp(0) - new.logsumexp(0)

    def _gated(self, pairs: list[list[int]], gates: Tensor) -> Encoding:
        """Both paths of each choice; an edge of both sets has the sum of their gates."""
        blocks = self._space.num_blocks
        rows = [
            dict(zip(pair, row.unbind(), strict=True))
            for pair, row in zip(pairs, gates, strict=True)
        ]
        parents: list[dict[int, Weight]] = []
        of_node = dict(zip(self._nodes, rows[blocks:], strict=True))
        for node, ways in enumerate(self._space.parent_choices, start=1):
            edges: dict[int, Weight] = {}
            for place, gate in of_node.get(node, {}).items():
                for source in ways[place]:
                    edges[source] = edges[source] + gate if source in edges else gate
            parents.append(edges or dict.fromkeys(ways[0]))
        return Encoding(tuple(rows[:blocks]), tuple(parents), positive=False)

    def _decoded(self, places: list[int]) -> Architecture:
        blocks = self._space.num_blocks
        of_node = dict(zip(self._nodes, places[blocks:], strict=True))
        return Architecture(
            tuple(
                ways[of_node.get(node, 0)]
                for node, ways in enumerate(self._space.parent_choices, start=1)
            ),
            tuple(OPERATIONS[place] for place in places[:blocks]),
        )
