"""The one-shot model of NAS-Bench-1Shot1 the way its authors compute it, for comparisons of speed.

One module per operation, every operation computed and then weighted, images channels first.
The mathematics is that of `searchers.network.supernet` with the preset `paper`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from oneshot_hpo.searchers.network.nasbench101.cell import OneShotCell
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet

_MOMENTUM = 0.997


class ReferenceNetwork(nn.Module):
    """A copy of a supernet with the preset `paper`, its weights included.

    cells_per_stack: the image is halved after each such number of cells.
    only_live: skip operations of weight 0, one look at the device for each, as GDAS does.
    """

    def __init__(
        self, supernet: Supernet, cells_per_stack: int, *, only_live: bool = False
    ) -> None:
        super().__init__()
        norm = supernet.stem_norm
        self.stem = _unit(supernet.stem, norm.scale, norm.shift)
        self.cells = nn.ModuleList(
            _ReferenceCell(cell, only_live)
            for cell in supernet.cells
            if isinstance(cell, OneShotCell)
        )
        self._cells_per_stack = cells_per_stack
        assert supernet.head is not None
        projection = supernet.head.projection
        self.head = nn.Sequential(
            nn.ReLU(), _convolution(projection), nn.BatchNorm2d(len(projection), affine=False)
        )
        classes, features = supernet.classifier.shape
        self.classifier = nn.Linear(features, classes)
        self.classifier.weight = _copy(supernet.classifier)
        self.classifier.bias = _copy(supernet.classifier_bias)

    def forward(
        self, images: Tensor, operations: Tensor, parents: Sequence[Tensor | None]
    ) -> Tensor:
        """Logits (N, classes) of images (N, C, H, H).

        operations: (n, 3), weights of the operations of each block. parents: for the blocks 1..n,
        then the output, weights of the nodes before; None: 1 each.
        """
        x = self.stem(images)
        for index, cell in enumerate(self.cells):
            if index > 0 and index % self._cells_per_stack == 0:
                x = nn.functional.max_pool2d(x, 2, stride=2, padding=1)
            x = cell(x, operations, parents)
        return self.classifier(self.head(x).mean((2, 3)))


class _ReferenceCell(nn.Module):
    def __init__(self, cell: OneShotCell, only_live: bool) -> None:
        super().__init__()
        blocks, part = len(cell.conv3x3), cell.conv3x3.shape[1]
        channels = part * cell.proportion
        self._part, self._proportion, self._only_live = part, cell.proportion, only_live
        norm, sizes = cell.projection_norm, [channels] * blocks + [blocks * channels]
        both = (cell.projection, norm.scale, norm.shift)
        rows = zip(*(whole.split(sizes) for whole in both), strict=True)
        self.projections = nn.ModuleList(_unit(*row) for row in rows)
        self.choices = nn.ModuleList()
        for block in range(blocks):
            scale, shift = cell.norm.scale[block], cell.norm.shift[block]
            self.choices.append(
                nn.ModuleList(
                    [
                        _unit(cell.conv3x3[block], scale[0], shift[0]),
                        _unit(cell.conv1x1[block], scale[1], shift[1]),
                        nn.MaxPool2d(3, stride=1, padding=1),
                    ]
                )
            )

    def forward(self, x: Tensor, operations: Tensor, parents: Sequence[Tensor | None]) -> Tensor:
        blocks: list[Tensor] = []
        for projection, choice, weights, edges in zip(
            self.projections, self.choices, operations, parents, strict=False
        ):
            nodes = [projection(x), *blocks]
            if edges is not None:
                nodes = [weight * node for weight, node in zip(edges, nodes, strict=True)]
            blocks.append(self._chosen(sum(nodes[1:], nodes[0]), choice, weights))
        edges = parents[-1]
        assert edges is not None
        joined = torch.cat([w * block for w, block in zip(edges[1:], blocks, strict=True)], dim=1)
        return edges[0] * self.projections[-1](x) + joined

    def _chosen(self, x: Tensor, choice: nn.Module, weights: Tensor) -> Tensor:
        operated, others = x[:, : self._part], x[:, self._part :]
        terms = [
            weight * operation(operated)
            for weight, operation in zip(weights, choice.children(), strict=True)
            if not self._only_live or float(weight.detach()) != 0
        ]
        total = sum(terms[1:], terms[0])
        if self._proportion == 1:
            return total
        joined = torch.cat((total, others), dim=1).unflatten(1, (self._proportion, self._part))
        return joined.transpose(1, 2).contiguous().flatten(1, 2)


def _unit(weight: Tensor, scale: Tensor, shift: Tensor) -> nn.Sequential:
    norm = nn.BatchNorm2d(len(weight), momentum=_MOMENTUM)
    norm.weight, norm.bias = _copy(scale), _copy(shift)
    return nn.Sequential(_convolution(weight), norm, nn.ReLU())


def _convolution(weight: Tensor) -> nn.Conv2d:
    outputs, inputs, kernel, _ = weight.shape
    convolution = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, bias=False)
    convolution.weight = _copy(weight)
    return convolution


def _copy(values: Tensor) -> nn.Parameter:
    return nn.Parameter(values.detach().clone())
