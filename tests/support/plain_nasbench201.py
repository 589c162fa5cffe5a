"""NAS-Bench-201's supernet and networks one module an operation, with the names of their authors.

A restatement of github.com/D-X-Y/AutoDL-Projects, xautodl/models (cell_operations, search_cells,
search_model_darts, tiny_network), in plain modules. `copy_supernet` and `copy_network` give those,
or the authors' own, the weights of ours.
"""

import torch
from torch import nn

OPERATIONS = ("none", "skip_connect", "nor_conv_1x1", "nor_conv_3x3", "avg_pool_3x3")
EDGES = ((1, 0), (2, 0), (2, 1), (3, 0), (3, 1), (3, 2))


class ReLUConvBN(nn.Module):
    def __init__(self, inputs, outputs, kernel, stride, affine, tracks):
        super().__init__()
        self.op = nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=not affine),
            nn.BatchNorm2d(outputs, affine=affine, track_running_stats=tracks),
        )

    def forward(self, x):
        return self.op(x)


class Zero(nn.Module):
    def forward(self, x):
        return x.mul(0.0)


def operation(name, channels, affine, tracks):
    if name == "none":
        return Zero()
    if name == "skip_connect":
        return nn.Identity()
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    return ReLUConvBN(channels, channels, int(name[-1]), 1, affine, tracks)


class SearchCell(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.edges = nn.ModuleDict(
            {
                f"{node}<-{source}": nn.ModuleList(
                    operation(name, channels, False, False) for name in OPERATIONS
                )
                for node, source in EDGES
            }
        )

    def forward(self, x, weights):
        values = [x]
        for node in range(1, 4):
            values.append(
                sum(
                    weight * layer(values[source])
                    for place, (target, source) in enumerate(EDGES)
                    if target == node
                    for layer, weight in zip(
                        self.edges[f"{node}<-{source}"], weights[place], strict=True
                    )
                )
            )
        return values[-1]


class InferCell(nn.Module):
    def __init__(self, names, channels):
        super().__init__()
        self.layers = nn.ModuleList(operation(name, channels, True, True) for name in names)

    def forward(self, x):
        values = [x]
        for node in range(1, 4):
            values.append(
                sum(
                    layer(values[source])
                    for layer, (target, source) in zip(self.layers, EDGES, strict=True)
                    if target == node
                )
            )
        return values[-1]


class ResNetBasicblock(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.conv_a = ReLUConvBN(inputs, outputs, 3, 2, True, True)
        self.conv_b = ReLUConvBN(outputs, outputs, 3, 1, True, True)
        self.downsample = nn.Sequential(
            nn.AvgPool2d(2, 2), nn.Conv2d(inputs, outputs, 1, bias=False)
        )

    def forward(self, x):
        return self.downsample(x) + self.conv_b(self.conv_a(x))


class TinyNetwork(nn.Module):
    """cells: a stack's worth of modules for a number of channels."""

    def __init__(self, colours, channels, stacks, cells, classes):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(colours, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels)
        )
        self.cells = nn.ModuleList()
        for stack in range(stacks):
            if stack:
                self.cells.append(ResNetBasicblock(channels, 2 * channels))
                channels *= 2
            self.cells.extend(cells(channels))
        self.lastact = nn.Sequential(nn.BatchNorm2d(channels), nn.ReLU())
        self.classifier = nn.Linear(channels, classes)

    def forward(self, images, weights=None):
        x = self.stem(images)
        for cell in self.cells:
            x = cell(x, weights) if hasattr(cell, "edges") else cell(x)
        return self.classifier(self.lastact(x).mean((2, 3)))


@torch.no_grad()
def copy_supernet(ours, authors):
    """Give an authors' network the weights of a supernet of ours."""
    rows = sorted((source, node) for node, source in EDGES)
    authors.stem[0].weight.copy_(ours.stem)
    _copy_norm(ours.stem_norm, authors.stem[1])
    for own, other in zip(ours.body, authors.cells, strict=True):
        if hasattr(other, "edges"):
            for row, (source, node) in enumerate(rows):
                layers = other.edges[f"{node}<-{source}"]
                layers[2].op[1].weight.copy_(own.conv1x1.unflatten(0, (6, -1))[row])
                layers[3].op[1].weight.copy_(own.conv3x3.unflatten(0, (6, -1))[row])
        else:
            other.conv_a.op[1].weight.copy_(own.first)
            other.conv_b.op[1].weight.copy_(own.second)
            other.downsample[1].weight.copy_(own.shortcut)
            _copy_norm(own.first_norm, other.conv_a.op[2])
            _copy_norm(own.second_norm, other.conv_b.op[2])
    _copy_norm(ours.last_norm, authors.lastact[0])
    authors.classifier.weight.copy_(ours.classifier)
    authors.classifier.bias.copy_(ours.classifier_bias)


@torch.no_grad()
def copy_network(ours, authors, place):
    """Give an authors' network the weights of one of the networks that train side by side."""
    count = ours.count

    def copy(source, target, place=place, count=count):
        target.weight.copy_(source.weight.unflatten(0, (count, -1))[place])
        if source.bias is not None:
            target.bias.copy_(source.bias.unflatten(0, (count, -1))[place])

    copy(ours.stem[0], authors.stem[0])
    copy(ours.stem[1], authors.stem[1])
    for own, other in zip(ours.body, authors.cells, strict=True):
        if hasattr(other, "layers"):
            for edges, layer in zip(own.edges, other.layers, strict=True):
                for name, unit in edges.convolutions.items():
                    members = edges.get_buffer(f"members_{name}").tolist()
                    if place in members:
                        where = members.index(place), len(members)
                        copy(unit[0], layer.op[1], *where)
                        copy(unit[1], layer.op[2], *where)
        else:
            for unit, target in ((own.first, other.conv_a), (own.second, other.conv_b)):
                copy(unit[0], target.op[1])
                copy(unit[1], target.op[2])
            copy(own.shortcut, other.downsample[1])
    copy(ours.last_norm, authors.lastact[0])
    authors.classifier.weight.copy_(ours.classifier[place])
    authors.classifier.bias.copy_(ours.bias[place])


def _copy_norm(norm, other):
    other.weight.copy_(norm.scale)
    other.bias.copy_(norm.shift)
