"""What searchers that train the weights on drawn cells, and compare cells at the end, share."""

from __future__ import annotations

from abc import abstractmethod

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.searcher import Searcher


class SampledSearcher(Searcher):
    """Every encoding is a cell that is drawn anew; no architecture is known before the end."""

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
        """None: cells are compared at the end."""
        return None
