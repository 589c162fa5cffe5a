"""ProxylessNAS, the gradient-based variant (Cai, Zhu and Han, ICLR 2019)."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.search_spaces.choices import OPERATION
from oneshot_hpo.searchers.alpha_searcher import AlphaSearcher
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.diagnosis import ChoiceState
from oneshot_hpo.searchers.likely import most_likely
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.records import FOUND
from oneshot_hpo.searchers.sampling import draw
from oneshot_hpo.searchers.settings import SearchSettings

_INITIAL_DEVIATION = 1e-3
_BETAS = (0.0, 0.999)  # no momentum: it would move the paths that were not drawn


class ProxylessNas(AlphaSearcher):
    """Binary gates: each step computes one path of each choice, an architecture step two.

    A path is a way of a choice: an operation, or a set of parents (a set, not an edge: a node has
    a fixed number of parents).

    alphas: (ways,) for each choice that is not settled, those of operations first.
    """

    evaluated = FOUND

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        self._space = space
        self._generator = generator
        self._device = device
        unsettled = [place for place, one in enumerate(space.choices) if not one.is_settled]
        self._open = sorted(unsettled, key=lambda place: space.choices[place].kind != OPERATION)
        sizes = [len(space.choices[place].ways) for place in self._open]
        alphas = [
            (_INITIAL_DEVIATION * torch.randn(size, generator=generator)).requires_grad_()
            for size in sizes
        ]
        self.optimize(alphas, settings, _BETAS)

    def architecture_step(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
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
        # Where other choices are decided the open ones may have no effect.
        (slopes,) = torch.autograd.grad(loss, leaves, allow_unused=True, materialize_grads=True)

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
    def likely(self, count: int) -> list[Architecture]:
        """The first is `architecture`."""
        scores = [np.zeros(len(choice.ways)) for choice in self._space.choices]
        for place, alpha in zip(self._open, self.alphas, strict=True):
            scores[place] = alpha.double().numpy()
        return most_likely(self._space, scores, count)

    @torch.no_grad()
    def selection_mixture(self) -> Encoding:
        """Every candidate with the probability of the paths that use it."""
        weights: list[dict[int, Weight]] = [
            dict.fromkeys(choice.ways[0]) for choice in self._space.choices
        ]
        for place, alpha in zip(self._open, self.alphas, strict=True):
            choice, shares = self._space.choices[place], alpha.softmax(0).to(self._device)
            total = torch.zeros(len(choice.candidates), device=self._device)
            for way, share in zip(choice.ways, shares, strict=True):
                total[list(way)] += share
            used = sorted({candidate for way in choice.ways for candidate in way})
            weights[place] = {candidate: total[candidate] for candidate in used}
        return Encoding(tuple(weights))

    @torch.no_grad()
    def choice_states(self) -> Mapping[str, ChoiceState]:
        """Of the probabilities of each choice's paths."""
        return {
            self._space.choices[place].name: ChoiceState.of(alpha.softmax(0).tolist())
            for place, alpha in zip(self._open, self.alphas, strict=True)
        }

    @torch.no_grad()
    def _step(self, pairs: list[list[int]]) -> None:
        before = [alpha.clone() for alpha in self.alphas]
        self.optimizer.step()
        for alpha, old, pair in zip(self.alphas, before, pairs, strict=True):
            new = alpha[pair]
            alpha.copy_(old)
            alpha[pair] = new + old[pair].logsumexp(0) - new.logsumexp(0)

    def _gated(self, pairs: list[list[int]], gates: Tensor) -> Encoding:
        """Both paths of each choice; a candidate of both has the sum of their gates."""
        weights: list[dict[int, Weight]] = [
            dict.fromkeys(choice.ways[0]) for choice in self._space.choices
        ]
        for place, pair, row in zip(self._open, pairs, gates, strict=True):
            ways, found = self._space.choices[place].ways, weights[place]
            found.clear()
            for number, gate in zip(pair, row.unbind(), strict=True):
                for candidate in ways[number]:
                    before = found.get(candidate)
                    found[candidate] = gate if before is None else before + gate
        return Encoding(tuple(weights), positive=False)

    def _decoded(self, numbers: list[int]) -> Architecture:
        """The architecture of a way's number for each open choice."""
        picks = [choice.ways[0] for choice in self._space.choices]
        for place, number in zip(self._open, numbers, strict=True):
            picks[place] = self._space.choices[place].ways[number]
        return Architecture(tuple(picks))
