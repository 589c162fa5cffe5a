"""Measures what a search does in each epoch, for its records; changes nothing of the search."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from oneshot_hpo.search_spaces import Architecture, SearchSpace
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.diagnosis import Diagnosis
from oneshot_hpo.searchers.hessian import largest_eigenvalue
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
from oneshot_hpo.searchers.searcher import Searcher
from oneshot_hpo.searchers.settings import SettingsError


class Measuring:
    """Made before the first step, so that it knows the architecture's weights at the start."""

    def __init__(self, space: SearchSpace, searcher: Searcher, device: torch.device) -> None:
        self._space, self._searcher, self._device = space, searcher, device
        self._first = self._values()
        self._begun_with: list[Tensor] | None = self._values()
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)

    def diagnosis(
        self,
        architecture: Architecture | None,
        norms: Tensor,
        *,
        eigenvalue: float | None,
        frozen: float | None,
        stopped_at: int | None,
    ) -> Diagnosis:
        """The diagnosis after an epoch; the next one begins.

        architecture: the one that the search would end with; None: it is not known. norms: of both
        gradients in each step (steps, 2), NaN where there was none. The rest as in `Diagnosis`.
        """
        now = self._values()
        begun, self._begun_with = self._begun_with, now
        weight_norm, own_norm = norms.nanmean(0).tolist()
        space = self._space
        return Diagnosis(
            choices=self._searcher.choice_states(),
            cell=None if architecture is None else space.key(architecture),
            parameter_free=(
                None if architecture is None else space.parameter_free_share(architecture)
            ),
            distance=_distance(self._first, now),
            moved=None if begun is None else _distance(begun, now),
            weight_gradient=_known(weight_norm),
            architecture_gradient=_known(own_norm),
            eigenvalue=eigenvalue,
            frozen=frozen,
            stopped_at=stopped_at,
            peak_memory=self._peak_memory(),
        )

    def gradient_norm(self) -> Tensor:
        """L2 norm of the architecture's gradient of the last step, a scalar; NaN if it has none."""
        weights = self._searcher.architecture_weights()
        gradients = [weight.grad for weight in weights if weight.grad is not None]
        if not gradients:
            return torch.tensor(float("nan"), device=self._device)
        return torch.linalg.vector_norm(torch.stack(torch._foreach_norm(gradients)))

    def eigenvalue(self, supernet: OneShotNetwork, valid: Batch) -> float:
        """The largest eigenvalue of the validation loss's Hessian in alpha, on one batch.

        Raises SettingsError for a searcher whose loss is not differentiable.
        """
        buffers = [buffer.clone() for buffer in supernet.buffers()]
        loss = self._searcher.validation_loss(supernet, valid)
        if loss is None:
            raise SettingsError(
                "search setting hessian_eigenvalue: the loss of this searcher is not a "
                "differentiable function of the architecture's weights"
            )
        found = largest_eigenvalue(loss, self._searcher.architecture_weights())
        for buffer, old in zip(supernet.buffers(), buffers, strict=True):
            buffer.copy_(old)  # running statistics, in the preset `paper`
        return found

    def begun_with(self) -> list[Tensor] | None:
        """The architecture's weights at the start of the epoch, for a checkpoint."""
        return self._begun_with

    def load(self, begun_with: Sequence[Tensor] | None, *, is_under_way: bool) -> None:
        """Continue from a checkpoint; one of an earlier version lacks the start of its epoch."""
        if begun_with is not None:
            self._begun_with = [
                value.to(now) for value, now in zip(begun_with, self._values(), strict=True)
            ]
        else:
            self._begun_with = None if is_under_way else self._values()

    def _values(self) -> list[Tensor]:
        return [weight.detach().clone() for weight in self._searcher.architecture_weights()]

    def _peak_memory(self) -> int | None:
        if self._device.type != "cuda":
            return None
        return torch.cuda.max_memory_allocated(self._device)


def _distance(before: Sequence[Tensor], after: Sequence[Tensor]) -> float | None:
    """L2 norm of the difference; None for no tensors."""
    if not before:
        return None
    difference = torch._foreach_sub(list(after), list(before))
    return float(torch.linalg.vector_norm(torch.stack(torch._foreach_norm(difference))))


def _known(norm: float) -> float | None:
    return None if norm != norm else norm
