"""The interface of a one-shot optimizer to the search loop."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch

from oneshot_hpo.foreign import InvalidResult
from oneshot_hpo.search_spaces import Architecture, InvalidArchitecture, SearchSpace
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.diagnosis import ChoiceState
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.records import MIXTURE
from oneshot_hpo.searchers.settings import SearchSettings, SettingsError


class Searcher(ABC):
    """Draws the encoding for each step of the weights, and learns from the architecture steps.

    One searcher is one file, its settings and one line in searchers.registry; supernet, data,
    loop and checkpoint are shared.

    evaluated: what `evaluation_encoding` is: MIXTURE, DRAWN or FOUND of searchers.records.
    """

    evaluated: ClassVar[str] = MIXTURE

    settings_class: ClassVar[type[SearchSettings]] = SearchSettings
    """The settings of a searcher that is a plug-in; the registry names those of the others."""

    def __init__(
        self,
        space: SearchSpace,
        settings: SearchSettings,
        device: torch.device,
        generator: torch.Generator,
    ) -> None:
        """Start a search; `generator`, on the CPU, is used by this searcher alone and checkpointed.

        settings: an instance of the class that the registry names for this searcher.
        """
        self.space, self.settings = space, settings
        self.device, self.generator = device, generator

    def begin_epoch(self, epoch: int, epochs: int) -> None:  # noqa: B027 - most need nothing
        """Prepare for epoch 0 .. epochs - 1."""

    @abstractmethod
    def architecture_step(
        self, supernet: OneShotNetwork, train: Batch, valid: Batch, weights: torch.optim.SGD
    ) -> torch.Tensor | None:
        """Update the architecture's distribution; returns the minimised loss, a scalar.

        Called before each step of the weights, which uses `train` and the optimizer `weights`;
        `valid` is a batch of supernet_valid. None: there is nothing to update now.
        """

    @abstractmethod
    def weights_encoding(self) -> Encoding:
        """The encoding for the next step of the weights."""

    def weights_encodings(self) -> Sequence[Encoding]:
        """The encodings whose gradients the next step of the weights adds up: one."""
        return [self.weights_encoding()]

    def evaluation_encoding(self) -> Encoding:
        """The encoding for the one-shot validation error: by default one for the weights."""
        return self.weights_encoding()

    @abstractmethod
    def architecture(self) -> Architecture | None:
        """The architecture that the search would end with now; None: only `conclude` knows."""

    def conclude(self, evaluation: OneShotEvaluation) -> Architecture | None:
        """The architecture that the search ends with, after its last epoch; by default the last.

        Where `SearchSettings.concludes_after` says so it is called after earlier epochs, too; it
        must change nothing but the searcher's generator.
        """
        return self.architecture()

    @property
    def compares_cells(self) -> bool:
        """Whether `conclude` compares cells; then the one-shot error is of the one that it finds.

        By default those do that have no architecture before.
        """
        return self.architecture() is None

    def loss_and_error_of(
        self, evaluation: OneShotEvaluation, architecture: Architecture
    ) -> list[float]:
        """One-shot loss and error of a found architecture, on all validation images."""
        return evaluation.loss_and_error(Encoding.discrete(architecture))

    def likely(self, count: int) -> list[Architecture]:
        """At most `count` architectures of different keys that are likely, the likeliest first.

        Those that a search compares with `selection: one_shot`.
        """
        architecture = self.architecture()
        if architecture is None:
            raise SettingsError(
                "search setting selection cannot be one_shot: the searcher names no candidates"
            )
        return [architecture]

    def selection_mixture(self) -> Encoding:
        """All candidates of all choices, weighted by how likely they are.

        That from which `selection: perturbation` leaves out one at a time.
        """
        return self.evaluation_encoding()

    def choice_states(self) -> Mapping[str, ChoiceState]:
        """How decided each open choice is, by name; none: no probabilities of choices are learned.

        Draws nothing from the generator.
        """
        return {}

    def architecture_weights(self) -> Sequence[torch.Tensor]:
        """What an architecture step updates, gradients in `grad`; none: nothing is learned."""
        return ()

    def validation_loss(self, supernet: OneShotNetwork, valid: Batch) -> torch.Tensor | None:
        """The loss on a batch, twice differentiable in `architecture_weights`; None: it is not.

        Draws nothing from the generator.
        """
        return None

    def valid_gradients(self) -> Sequence[torch.Tensor] | None:
        """Gradients of the last architecture step's loss in all weights of the supernet.

        None: there was no step, or `early_stop` does not ask for them.
        """
        return None

    @abstractmethod
    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values from which `load_state_dict` continues exactly."""

    @abstractmethod
    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a searcher of the same space."""


def check_architecture(
    architecture: Any, space: SearchSpace, *, may_be_absent: bool = False
) -> None:
    """Raise InvalidResult unless a searcher has returned an architecture of the space."""
    if architecture is None and may_be_absent:
        return
    if not isinstance(architecture, Architecture):
        kind = "None" if architecture is None else f"a {type(architecture).__name__}"
        raise InvalidResult(f"the searcher returned {kind}, not an architecture of {space.title}")
    try:
        space.check(architecture)
    except InvalidArchitecture as error:
        raise InvalidResult(f"the searcher returned what is {error}") from None
