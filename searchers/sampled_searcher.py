"""The base class of searchers that train on drawn cells and compare cells at the end."""

from __future__ import annotations

from abc import abstractmethod

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.searcher import Searcher


class SampledSearcher(Searcher):
    """Draws a new cell for every encoding; it has no architecture before the end."""

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
