"""PC-DARTS (Xu et al., ICLR 2020)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.diagnosis import ChoiceState
from oneshot_hpo.searchers.network.encoding import Weight


class PcDarts(Darts):
    """DARTS with operations that see one of k channels, and edges that have weights of their own.

    Partial channels (section 3.2) are the supernet's `channel_proportion`. Edge normalisation
    (section 3.3) multiplies the shares of each group by the softmax of its beta, where the groups
    of a choice are the sources of a node; where parents are a choice of their own, their softmax
    is that already. In NAS-Bench-201 every edge is kept, and `none` weighs it: there is no beta.

    betas: by the choice's place, (groups,).
    """

    betas: dict[int, Tensor]

    def more_alphas(self) -> list[Tensor]:
        """Beta of each choice with groups."""
        self.betas = {
            place: self.new_alpha(len(choice.mixtures))
            for place, choice in enumerate(self._space.choices)
            if choice.groups is not None and not choice.is_settled
        }
        return list(self.betas.values())

    @torch.no_grad()
    def choice_states(self) -> Mapping[str, ChoiceState]:
        """As in DARTS, and of the softmax of each beta, where an edge is left out."""
        found = dict(super().choice_states())
        for place, beta in self.betas.items():
            choice = self._space.choices[place]
            if choice.k < len(beta):
                found[f"{choice.name}~edges"] = ChoiceState.of(beta.softmax(0).tolist(), choice.k)
        return found

    @torch.no_grad()
    def strengths(self) -> list[np.ndarray]:
        """As in DARTS, those of a group times its beta's share (authors' code)."""
        found = super().strengths()
        for place, beta in self.betas.items():
            shares = beta.softmax(0).tolist()
            for row, share in zip(self.layout.rows[place], shares, strict=True):
                found[place][list(row.candidates)] *= share
        return found

    def weights(self, place: int, shares: Sequence[Tensor | Sequence[Tensor]]) -> dict[int, Weight]:
        """As in DARTS, those of a group times its beta's share."""
        if place not in self.betas:
            return super().weights(place, shares)
        weights: dict[int, Weight] = {}
        edges = self.betas[place].softmax(0).unbind()
        for row, edge in zip(self.layout.rows[place], edges, strict=True):
            weights.update(zip(row.candidates, (edge * row.of(shares)).unbind(), strict=True))
        return weights
