"""DARTS, first order (Liu, Simonyan and Yang, ICLR 2019, algorithm 1 with xi = 0)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.alpha_searcher import AlphaSearcher
from oneshot_hpo.searchers.alphas import AlphaLayout
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.diagnosis import ChoiceState
from oneshot_hpo.searchers.likely import most_likely
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.settings import OPERATIONS, SearchSettings

_INITIAL_DEVIATION = 1e-3


class Darts(AlphaSearcher):
    """Softmax over the candidates of each choice; its logits, alpha, descend the validation loss.

    The weights of a choice of k candidates sum to k, where the paper's sum to 1 (as they do with
    the supernet `paper`); with groups, those of each group sum to 1, as in the paper.

    alphas: as `AlphaLayout` says. In NAS-Bench-1Shot1 (section 3.2) they are (n, 3) of the choice
    blocks' operations, then (candidates,) of each node with more candidates than parents.
    adam_betas: its decays of mean and squared gradients.
    """

    adam_betas: ClassVar[tuple[float, float]] = (0.5, 0.999)

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        self._space, self._device, self._initial = space, device, generator
        self._averages = settings.supernet == "paper"
        self._keeps_gradients = settings.early_stop == OPERATIONS
        self._valid_gradients: list[Tensor] | None = None
        self.layout = AlphaLayout(space.choices)
        alphas = [self.new_alpha(*shape) for shape in self.layout.shapes]
        self.optimize([*alphas, *self.more_alphas()], settings, self.adam_betas)

    def new_alpha(self, *shape: int) -> Tensor:
        """Logits that are nearly equal."""
        logits = _INITIAL_DEVIATION * torch.randn(shape, generator=self._initial)
        return logits.to(self._device).requires_grad_()

    def more_alphas(self) -> list[Tensor]:
        """Further architecture weights: none."""
        return []

    def architecture_step(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> Tensor | None:
        """One Adam step of alpha down the validation loss."""
        loss, gradients = self.gradient(supernet, train, valid, weights)
        for alpha, gradient in zip(self.alphas, gradients, strict=True):
            alpha.grad = gradient
        self.optimizer.step()
        return loss

    def gradient(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> tuple[Tensor, list[Tensor]]:
        """The validation loss and its gradient in alpha (equation 3 of DARTS, xi = 0)."""
        loss = F.cross_entropy(supernet(valid.images, self.mixture()), valid.labels)
        weights_too = list(supernet.parameters()) if self._keeps_gradients else []
        gradients = torch.autograd.grad(
            loss, [*self.alphas, *weights_too], allow_unused=True, materialize_grads=True
        )
        if weights_too:
            self._valid_gradients = list(gradients[len(self.alphas) :])
        return loss.detach(), list(gradients[: len(self.alphas)])

    @torch.no_grad()
    def weights_encoding(self) -> Encoding:
        """The mixture with constant weights."""
        return self.mixture()

    def evaluation_encoding(self) -> Encoding:
        """The mixture that is trained."""
        return self.weights_encoding()

    def architecture(self) -> Architecture:
        """The architecture with the strongest candidates."""
        return self._space.decode(self.strengths())

    def likely(self, count: int) -> list[Architecture]:
        """The first is `architecture`; the probability of a set of parents is their product."""
        scores = []
        for choice, values in zip(self._space.choices, self.strengths(), strict=True):
            logits = values if choice.groups is None or choice.is_settled else np.log(values)
            scores.append(np.array([logits[list(way)].sum() for way in choice.ways]))
        return most_likely(self._space, scores, count)

    @torch.no_grad()
    def selection_mixture(self) -> Encoding:
        """Every candidate with its share, without noise."""
        return self._soft_mixture()

    @torch.no_grad()
    def choice_states(self) -> Mapping[str, ChoiceState]:
        """Of the softmax of each mixture; those of a choice with groups are named by group."""
        shares = [self.shares(alpha).tolist() for alpha in self.alphas]
        found = {}
        for choice, rows in zip(self._space.choices, self.layout.rows, strict=True):
            for number, row in enumerate(rows):
                share = shares[row.tensor] if row.row is None else shares[row.tensor][row.row]
                if choice.groups is None:
                    found[choice.name] = ChoiceState.of(share, choice.k)
                else:
                    found[f"{choice.name}~{number}"] = ChoiceState.of(share)
        return found

    def validation_loss(self, supernet: OneShotNetwork, valid: Batch) -> Tensor | None:
        """Of the mixture that is trained."""
        return F.cross_entropy(supernet(valid.images, self.mixture()), valid.labels)

    def valid_gradients(self) -> Sequence[Tensor] | None:
        """With `early_stop: operations`, once for each step."""
        found, self._valid_gradients = self._valid_gradients, None
        return found

    @torch.no_grad()
    def strengths(self) -> list[np.ndarray]:
        """By choice and candidate: alpha, or its share where groups are compared."""
        found = []
        for choice, rows in zip(self._space.choices, self.layout.rows, strict=True):
            values = np.zeros(len(choice.candidates))
            for row in rows:
                strength = self.strength(row.of(self.alphas), choice.groups is not None)
                values[list(row.candidates)] = strength.tolist()
            found.append(values)
        return found

    def strength(self, logits: Tensor, is_group: bool) -> Tensor:
        """What compares the candidates of a row, up to a constant: the logits themselves.

        is_group: they are compared with those of other rows, too, by their shares.
        """
        return self.shares(logits) if is_group else logits

    def shares(self, alpha: Tensor) -> Tensor:
        """The share of each candidate, without noise; those of a row, the last axis, sum to 1."""
        return alpha.softmax(-1)

    def mixture(self) -> Encoding:
        """What a step computes: all candidates, with the weights that alpha gives them now."""
        return self._soft_mixture()

    def weighed(self, shares: Sequence[Tensor], *, positive: bool = True) -> Encoding:
        """All candidates with given shares, a tensor for each of alphas.

        positive: no share is zero.
        """
        apart = self.layout.apart(shares)
        weights = tuple(self.weights(place, apart) for place in range(len(self._space.choices)))
        return Encoding(weights, positive)

    def _soft_mixture(self) -> Encoding:
        return self.weighed([self.shares(alpha) for alpha in self.alphas])

    def weights(self, place: int, shares: Sequence[Tensor | Sequence[Tensor]]) -> dict[int, Weight]:
        """The weights of one choice's candidates, from shares that sum to 1 in each row."""
        choice = self._space.choices[place]
        weights: dict[int, Weight] = {}
        for row in self.layout.rows[place]:
            share = row.of(shares)
            if choice.k > 1 and choice.groups is None and not self._averages:
                # k times the share: the final cell adds k candidates, each with weight 1, as
                # NAS-Bench-101 does. The paper's averages make nodes without a choice, plain
                # sums, the loudest, and the search then picks those.
                share = choice.k * share
            weights.update(zip(row.candidates, share.unbind(), strict=True))
        return weights or dict.fromkeys(choice.ways[0])
