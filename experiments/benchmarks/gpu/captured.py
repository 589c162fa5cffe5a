"""A search step as one CUDA graph."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor

from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.search_loop import Search


class CapturedStep:
    """`Search.step`, recorded once and then replayed: no Python, one launch a step.

    Everything that a step takes from the host is fixed when it is recorded: learning rate,
    temperature, strength of cutout. All of them change between epochs alone, so that a search would
    record once an epoch. A step that waits for the device, or draws on the host, cannot be
    recorded; torch raises RuntimeError.
    """

    warm_up: ClassVar[int] = 3
    """Steps that are made before recording, as torch wants it; they train."""

    def __init__(self, search: Search, train: Batch, valid: Batch) -> None:
        self._train, self._valid = _copied(train), _copied(valid)
        _make_capturable(search)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(self.warm_up):
                search.step(self._train, self._valid)
        torch.cuda.current_stream().wait_stream(stream)

        search.supernet.zero_grad(set_to_none=True)
        for weight in search._searcher.architecture_weights():
            weight.grad = None
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(search._generators["images"])
        with torch.cuda.graph(self._graph):
            self._result = search.step(self._train, self._valid)

    def __call__(self, train: Batch, valid: Batch) -> Tensor:
        """As `Search.step`; the result lies in memory that the next call writes again."""
        for static, given in ((self._train, train), (self._valid, valid)):
            static.images.copy_(given.images)
            static.labels.copy_(given.labels)
        self._graph.replay()
        return self._result


def _copied(batch: Batch) -> Batch:
    return Batch(batch.images.clone(), batch.labels.clone())


def _make_capturable(search: Search) -> None:
    """Let Adam count its steps on the device."""
    optimizer = getattr(search._searcher, "optimizer", None)
    if isinstance(optimizer, torch.optim.Adam):
        for group in optimizer.param_groups:
            group["capturable"] = True
