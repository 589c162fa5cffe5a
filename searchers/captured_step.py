"""The steps of an epoch as a CUDA graph: recorded once, then replayed with one launch a step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import torch
from torch import Tensor

from oneshot_hpo.searchers.data.batches import Batch

Step = Callable[[Batch, Batch], Tensor]
"""`Search.step`."""


class CapturedSteps:
    """Makes the steps of an epoch: some one by one, then all others from a graph of one.

    A graph repeats the kernels of the step that it was recorded from, on the same memory, so that
    its results are the same bits. What a step takes from the host is fixed with it: learning
    rates, the strength of cutout. They change between epochs alone, hence a graph for each epoch.
    Torch raises RuntimeError for a step that waits for the device or draws on the host.
    """

    one_by_one: ClassVar[int] = 3
    """Steps before the recording: torch and its libraries allocate what they keep in the first
    ones, and optimizers their state."""

    def __init__(self, step: Step, weights: Sequence[Tensor], images: torch.Generator) -> None:
        """weights: all that have gradients. images: the generator that a step draws from."""
        self._step, self._weights, self._images = step, weights, images
        self._made = 0
        self._stream: torch.cuda.Stream | None = None
        self._graph: _Graph | None = None

    def __call__(self, train: Batch, valid: Batch) -> Tensor:
        """As the step, of batches that have one shape in all steps."""
        if self._made < self.one_by_one:
            self._made += 1
            return self._beside(train, valid)
        if self._graph is None:
            self._graph = _Graph(self._step, self._weights, self._images, train, valid)
        return self._graph(train, valid)

    def _beside(self, train: Batch, valid: Batch) -> Tensor:
        """A step on another stream than the default one, which cannot be recorded."""
        current = torch.cuda.current_stream()
        self._stream = self._stream or torch.cuda.Stream()
        self._stream.wait_stream(current)
        with torch.cuda.stream(self._stream):
            result = self._step(train, valid)
        current.wait_stream(self._stream)
        return result


class _Graph:
    """A recorded step."""

    def __init__(
        self,
        step: Step,
        weights: Sequence[Tensor],
        images: torch.Generator,
        train: Batch,
        valid: Batch,
    ) -> None:
        self._train, self._valid = _copied(train), _copied(valid)
        # The recording makes gradients of its own, in the graph's memory.
        for weight in weights:
            weight.grad = None
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(images)
        with torch.cuda.graph(self._graph):
            self._result = step(self._train, self._valid)

    def __call__(self, train: Batch, valid: Batch) -> Tensor:
        """Replay the step on other batches."""
        for static, given in ((self._train, train), (self._valid, valid)):
            static.images.copy_(given.images)
            static.labels.copy_(given.labels)
        self._graph.replay()
        return self._result.clone()


def _copied(batch: Batch) -> Batch:
    return Batch(batch.images.clone(), batch.labels.clone())
