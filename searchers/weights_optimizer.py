"""SGD on the weights of a supernet, as the settings of a search have it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import SearchSpace
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.operation_stop import operation_stop_of
from oneshot_hpo.searchers.settings import SearchSettings


class WeightsOptimizer:
    """Clips the gradients of a supernet's weights and steps, where an operation is still trained.

    SettingsError: the settings stop operations that the supernet does not name.
    """

    def __init__(
        self, space: SearchSpace, supernet: OneShotNetwork, settings: SearchSettings
    ) -> None:
        self._supernet, self._settings = supernet, settings
        self.sgd = torch.optim.SGD(
            supernet.parameters(),
            lr=settings.learning_rate,
            momentum=settings.momentum,
            weight_decay=settings.weight_decay,
            foreach=True,
        )
        self._operation_stop = operation_stop_of(space, supernet, settings)

    @property
    def frozen_share(self) -> float | None:
        """The share of operations that are trained no more; None: the settings stop none."""
        return None if self._operation_stop is None else self._operation_stop.share

    def set_learning_rate(self, rate: float) -> None:
        """The learning rate of the steps from now on."""
        for group in self.sgd.param_groups:
            group["lr"] = rate

    def forget_momentum(self) -> None:
        """Begin as a new optimizer would."""
        self.sgd.state.clear()

    def zero_grad(self) -> None:
        """Forget the gradients."""
        self.sgd.zero_grad()

    def step(self, valid_gradients: Callable[[], Sequence[Tensor] | None]) -> Tensor:
        """A step on the gradients that are there. Returns their norm before they are clipped.

        valid_gradients: gives those on validation images, which decide on what is trained no more;
            None: there was no step of the architecture.
        """
        self._complete_gradients()
        norm = torch.nn.utils.clip_grad_norm_(
            self._supernet.parameters(), self._settings.grad_clip, foreach=True
        )
        if self._operation_stop is None:
            self.sgd.step()
            return norm
        gradients = valid_gradients()
        if gradients is not None:
            self._operation_stop.compare(gradients)
        self._operation_stop.step(self.sgd)
        return norm

    def _complete_gradients(self) -> None:
        """In the preset paper, give weights that the step did not use a gradient of zero.

        Weight decay and momentum then move them too, as in the authors' code; without a gradient
        torch leaves them alone.
        """
        if self._settings.supernet == "paper":
            for weight in self._supernet.parameters():
                if weight.grad is None:
                    weight.grad = torch.zeros_like(weight)

    def state_dict(self) -> dict[str, Any]:
        """Everything from which `load_state_dict` continues exactly."""
        state: dict[str, Any] = {"optimizer": self.sgd.state_dict()}
        if self._operation_stop is not None:
            state["operation stop"] = self._operation_stop.state_dict()
        return state

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore what `state_dict` returned."""
        self.sgd.load_state_dict(state["optimizer"])
        if self._operation_stop is not None:
            self._operation_stop.load_state_dict(state["operation stop"])
