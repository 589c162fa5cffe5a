"""The base class of searchers that train on drawn cells and compare cells at the end."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Sequence

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.network.encoding import Encoding, Weight
from oneshot_hpo.searchers.records import DRAWN
from oneshot_hpo.searchers.searcher import Searcher

_DRAWS = 20
"""Draws for each likely cell that is wanted: many may be the same."""
_MIXED = 256
"""Cells whose shares of candidates stand for the probabilities of a searcher that draws cells."""


class SampledSearcher(Searcher):
    """Draws a new cell for every encoding; it has no architecture until it compares cells."""

    evaluated = DRAWN

    _space: SearchSpace
    _device: torch.device

    @abstractmethod
    def _drawn(self) -> Architecture:
        """Draw a cell."""

    def weights_encoding(self) -> Encoding:
        """A drawn cell."""
        return Encoding.discrete(self._drawn())

    def evaluation_encoding(self) -> Encoding:
        """A drawn cell."""
        return self.weights_encoding()

    def likely(self, count: int) -> list[Architecture]:
        """Drawn ones: fewer than `count` where few different ones are drawn."""
        found: dict[str, Architecture] = {}
        for _ in range(_DRAWS * count):
            if len(found) == count:
                break
            drawn = self._drawn()
            found.setdefault(self._space.key(drawn), drawn)
        return list(found.values())

    def selection_mixture(self) -> Encoding:
        """Every candidate with its share of some drawn cells."""
        counts: list[Counter[int]] = [Counter() for _ in self._space.choices]
        for _ in range(_MIXED):
            for count, pick in zip(counts, self._drawn().picks, strict=True):
                count.update(pick)
        weights: list[dict[int, Weight]] = [
            dict.fromkeys(choice.ways[0])
            if choice.is_settled
            else {place: self._share(count[place]) for place in sorted(count)}
            for choice, count in zip(self._space.choices, counts, strict=True)
        ]
        return Encoding(tuple(weights))

    def _share(self, count: int) -> Tensor:
        return torch.tensor(count / _MIXED, device=self._device)

    def architecture(self) -> Architecture | None:
        """None: only `conclude` compares cells."""
        return None


def best_of_many(
    drawn: Sequence[Architecture],
    evaluation: OneShotEvaluation,
    *,
    images: int,
    finalists: int,
) -> Architecture:
    """Rank cells on some validation images, then the best few on all of them; the best of those.

    All are ranked on the same images: on others for each, as in the authors' code, luck in the
    images decides.
    """
    cells = list(dict.fromkeys(drawn))
    best = _ranked(cells, evaluation.errors(cells, images=images))[:finalists]
    return _ranked(best, evaluation.errors(best))[0]


def _ranked(cells: list[Architecture], errors: list[float]) -> list[Architecture]:
    """Cells by ascending error, equal ones in the order of drawing."""
    order = sorted(range(len(errors)), key=errors.__getitem__)
    return [cells[place] for place in order]
