"""The base class of searchers that train on drawn cells and compare cells at the end."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.records import DRAWN
from oneshot_hpo.searchers.searcher import Searcher


class SampledSearcher(Searcher):
    """Draws a new cell for every encoding; it has no architecture until it compares cells."""

    evaluated = DRAWN

    @abstractmethod
    def _drawn(self) -> Architecture:
        """Draw a cell."""

    def weights_encoding(self) -> Encoding:
        """A drawn cell."""
        return Encoding.discrete(self._drawn())

    def evaluation_encoding(self) -> Encoding:
        """A drawn cell."""
        return self.weights_encoding()

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
