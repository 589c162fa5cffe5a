"""Errors of many discrete cells under one supernet; values shared by several are computed once.

All cells see the same images, so that the first cell of the network has one input for all: its
projections are common to all cells, and a choice block has the same value wherever it has the same
operation and ancestors. Of a thousand random cells in space 1 they are 600 values instead of 3,000.
The numbers are those of the supernet's own forward pass. Cells stacked along an axis of their own,
so that each operation is one call for many, were no faster on a CPU: gathering each block's
inputs costs what the calls save.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from oneshot_hpo.search_spaces import Architecture
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.nasbench101.cell import (
    Choices,
    OneShotCell,
    Wiring,
    fusing_pays,
    held_blocks,
)
from oneshot_hpo.searchers.network.operations import weighted_sum

if TYPE_CHECKING:
    from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet

_MEMORY = 2**29  # bytes of common values that are kept; the least recently used go first

_Value = TypeVar("_Value")
_Values = list[Tensor]
"""A value for each part of the images."""


@torch.no_grad()
def wrong_labels(
    supernet: Supernet,
    architectures: Sequence[Architecture],
    images: Sequence[Batch],
    calibration: Tensor | None = None,
) -> Tensor:
    """Number of wrong labels of each architecture, float64 (architectures,), on the device.

    images: batches, normalised. calibration: images (N, C, H, H), normalised, whose batch-norm
    statistics each architecture uses, in a supernet that keeps them with momentum 1; None: those
    of the batch, or the running ones of a supernet that keeps them. The supernet is in evaluation
    mode before and after.
    """
    totals = torch.zeros(len(architectures), dtype=torch.float64, device=supernet.stem.device)
    # Neighbours in this order share most.
    order = sorted(range(len(architectures)), key=lambda place: architectures[place].picks)
    wirings = [Wiring(Encoding.discrete(architectures[place])) for place in order]
    if calibration is not None:
        passes = [([calibration, *(batch.images for batch in images)], list(images))]
    else:
        passes = [([batch.images], [batch]) for batch in images]

    for parts, batches in passes:
        network = _Network(supernet, parts, calibrates=calibration is not None)
        for place, wiring in zip(order, wirings, strict=True):
            logits = network.logits(architectures[place], wiring)[-len(batches) :]
            for found, batch in zip(logits, batches, strict=True):
                totals[place] += (found.argmax(1) != batch.labels).sum()
    return totals


class _Network:
    """A supernet in evaluation, with the same images for all architectures.

    parts: of the images, each a batch of its own. calibrates: the first part's statistics are
    those that the others are normalised by.
    """

    def __init__(self, supernet: Supernet, parts: _Values, *, calibrates: bool) -> None:
        self._supernet, self._calibrates = supernet, calibrates
        first = supernet.cells[0]
        assert isinstance(first, OneShotCell)
        self._first = first
        self._values, self._slices = _Recent(), _Recent()
        n = self._first.blocks
        edges: tuple[dict[int, None], ...] = tuple({0: None} for _ in range(n))
        every = Wiring(Encoding((*edges, dict.fromkeys(range(n + 1)), *edges)))

        def project(x: Tensor) -> dict[int, Tensor]:
            fused = self._first.norm.momentum is None and fusing_pays(x, self._first.channels)
            return self._first.project(x, None, every, fused)

        stem = self._each(supernet.stem_norm, supernet.begin, parts)
        projected = self._each(self._first, project, stem)
        self._projected = {node: [part[node] for part in projected] for node in range(1, n + 2)}

    def logits(self, architecture: Architecture, wiring: Wiring) -> _Values:
        """(N, classes) of each part of the images."""
        net, held = self._supernet, held_blocks(wiring)
        x = self._after_first(architecture, wiring)
        for index in range(1, len(net.cells)):
            cell = net.cells[index]
            if index > 1:
                x = [net.before(index, part) for part in x]
            x = self._each(cell, partial(_run, cell, held, wiring), x)
        return self._each(net.head, lambda part: net.end(part, held), x)

    def _after_first(self, architecture: Architecture, wiring: Wiring) -> _Values:
        """The first cell's output, as the next one, if there is one, takes it."""
        # A block's name: itself, its operation, and the names of what feeds it.
        names: dict[int, Hashable] = {0: None}
        values: dict[int, _Values] = {}
        for block in wiring.blocks:
            sources = architecture.picks[block - 1]
            operation = architecture.picks[self._first.blocks + block]
            names[block] = block, operation, *map(names.get, sources)
            values[block] = self._values.get(
                names[block], partial(self._value, block, sources, values, wiring)
            )
        ends = architecture.picks[self._first.blocks]
        slices = []
        for block in range(1, self._first.blocks + 1):
            if block in ends or 0 in ends:
                value = values[block] if block in ends else None
                name = block, names.get(block) if value else None, 0 in ends
                slices.append(self._slices.get(name, partial(self._slice, block, value, 0 in ends)))
        return [torch.cat(parts, dim=1) for parts in zip(*slices, strict=True)]

    def _value(
        self,
        block: int,
        sources: tuple[int, ...],
        values: dict[int, _Values],
        wiring: Wiring,
    ) -> _Values:
        choices = Choices(self._first, wiring, fused=False)
        fed = [self._projected[block] if source == 0 else values[source] for source in sources]
        sums = [weighted_sum([(term, None) for term in terms]) for terms in zip(*fed, strict=True)]
        return self._each(self._first, partial(choices, block), sums)

    def _slice(self, block: int, value: _Values | None, projected: bool) -> _Values:
        """A block's channels of the output, as the next cell takes them."""
        net, channels = self._supernet, self._first.channels
        own = slice((block - 1) * channels, block * channels)
        parts = value
        if projected:
            whole = self._projected[self._first.blocks + 1]
            parts = [part[:, own] for part in whole]
            if value is not None:
                parts = [part + term for part, term in zip(parts, value, strict=True)]
        assert parts is not None
        if len(net.cells) == 1:
            return parts
        return [net.before(1, part.contiguous(memory_format=torch.channels_last)) for part in parts]

    def _each(
        self, normalising: nn.Module | None, function: Callable[[Tensor], _Value], parts: _Values
    ) -> list[_Value]:
        """A function of each part; the module that normalises in it calibrates on the first."""
        results = []
        for place, part in enumerate(parts):
            if self._calibrates and normalising is not None:
                normalising.train(place == 0)
            results.append(function(part))
        return results


def _run(cell: nn.Module, held: list[int] | None, wiring: Wiring, x: Tensor) -> Tensor:
    found: Tensor = cell(x, held, wiring)
    return found


class _Recent:
    """Values by name, the least recently used of which go when they take too much memory."""

    def __init__(self) -> None:
        self._values: OrderedDict[Hashable, _Values] = OrderedDict()
        self._bytes = 0

    def get(self, name: Hashable, compute: Callable[[], _Values]) -> _Values:
        """The value of this name, computed if it is not kept."""
        if name in self._values:
            self._values.move_to_end(name)
            return self._values[name]
        self._values[name] = value = compute()
        self._bytes += _size(value)
        while self._bytes > _MEMORY and len(self._values) > 1:
            _, oldest = self._values.popitem(last=False)
            self._bytes -= _size(oldest)
        return value


def _size(value: _Values) -> int:
    return sum(part.numel() * part.element_size() for part in value)
