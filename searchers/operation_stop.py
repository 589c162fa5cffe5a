"""Operation-level early stopping, OLES (Jiang et al., NeurIPS 2023, section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.settings import OPERATIONS, SearchSettings, SettingsError


def operation_stop_of(
    space: SearchSpace, supernet: OneShotNetwork, settings: SearchSettings
) -> OperationStop | None:
    """What a search with these settings stops its operations with; None: it stops none.

    Raises SettingsError for a supernet that does not name the operations of its weights.
    """
    if settings.early_stop != OPERATIONS:
        return None
    if not supernet.operation_units():
        raise SettingsError(
            f"search setting early_stop: the supernet of {space.title} does not say which weights "
            f"belong to which operation, as {OPERATIONS} needs"
        )
    return OperationStop(supernet, settings.stop_match, settings.stop_steps)


class OperationStop:
    """Stops training the weights of an operation that overfits the training images.

    Gradient matching is the cosine of the gradients of an operation's weights on a training and on
    a validation batch, both flat, averaged over `steps` steps. Once it is below `threshold` the
    operation's weights stay as they are for the rest of the search: neither momentum nor weight
    decay moves them. An operation is that of one edge or block of one cell.

    This is the paper's rule. The authors' code (github.com/PasaLab/oles) adds the validation
    gradient to the training gradient before it compares the two, which makes cosines larger, takes
    them along each tensor's first dimension alone, and divides a sum of 21 by 20.
    """

    def __init__(self, supernet: OneShotNetwork, threshold: float, steps: int) -> None:
        self._threshold, self._steps = threshold, steps
        units = supernet.operation_units()
        self._weights = [supernet.get_parameter(name) for name in units]
        places = {id(weight): place for place, weight in enumerate(supernet.parameters())}
        self._places = [places[id(weight)] for weight in self._weights]
        device = self._weights[0].device
        self._units = [number.to(device) for number in units.values()]
        count = 1 + max(int(number.max()) for number in units.values())
        self._sums = torch.zeros(count, device=device)
        self._seen = 0
        self.frozen = torch.zeros(count, dtype=torch.bool, device=device)

    def compare(self, valid_gradients: Sequence[Tensor]) -> None:
        """Match the gradients of this step with those on validation images.

        valid_gradients: of all parameters of the supernet, in their order. Those on training images
        are in `grad`.
        """
        dots, trains, valids = (torch.zeros_like(self._sums) for _ in range(3))
        for weight, place, unit in zip(self._weights, self._places, self._units, strict=True):
            if weight.grad is None:
                continue
            train, valid = weight.grad, valid_gradients[place]
            for sums, product in (
                (dots, train * valid),
                (trains, train * train),
                (valids, valid * valid),
            ):
                per_unit = product.sum_to_size(unit.shape).to(sums)
                sums.index_add_(0, unit.flatten(), per_unit.flatten())
        self._sums += dots / (trains * valids).sqrt().clamp_min(1e-30)

        self._seen += 1
        if self._seen == self._steps:
            self.frozen |= self._sums / self._steps < self._threshold
            self._sums.zero_()
            self._seen = 0

    @torch.no_grad()
    def step(self, optimizer: torch.optim.Optimizer) -> None:
        """A step of the optimizer that leaves stopped operations as they are."""
        before = [weight.detach().clone() for weight in self._weights]
        optimizer.step()
        for weight, old, unit in zip(self._weights, before, self._units, strict=True):
            weight.copy_(torch.where(self.frozen[unit], old, weight))

    @property
    def share(self) -> float:
        """Share of the operations with weights that are stopped."""
        return float(self.frozen.double().mean())

    def state_dict(self) -> dict[str, Any]:
        """Tensors and plain values from which `load_state_dict` continues exactly."""
        return {"frozen": self.frozen, "sums": self._sums, "seen": self._seen}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state of a search with the same supernet."""
        self.frozen.copy_(state["frozen"])
        self._sums.copy_(state["sums"])
        self._seen = state["seen"]
