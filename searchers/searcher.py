"""What a one-shot optimizer is to the search loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import torch

from search_spaces import Architecture, SearchSpace
from searchers.batches import Batch
from searchers.encoding import Encoding
from searchers.settings import SearchSettings
from searchers.supernet import Supernet


class Searcher(ABC):
    """Draws the encoding for each step of the weights, and learns from the architecture steps.

    One searcher is one file and one line in searchers.registry; supernet, data, loop and
    checkpoint are shared.
    """

    @abstractmethod
    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        """Start anew; `generator`, on the CPU, is this searcher's alone and is checkpointed."""

    @abstractmethod
    def architecture_step(self, supernet: Supernet, train: Batch, valid: Batch) -> torch.Tensor:
        """Update the architecture's distribution; gives the loss that was minimised, a scalar.

        Comes before each step of the weights, which uses `train`; `valid` is of supernet_valid.
        """

    @abstractmethod
    def weights_encoding(self) -> Encoding:
        """The encoding under which the next step of the weights is made."""

    @abstractmethod
    def evaluation_encoding(self) -> Encoding:
        """The encoding under which the one-shot validation error is measured."""

    @abstractmethod
    def architecture(self) -> Architecture:
        """The architecture that the search would end with now."""

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values from which `load_state_dict` continues exactly."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state of a searcher of the same space."""
