"""DARTS's supernet and networks one module an operation, with the names of their authors.

A restatement of github.com/quark0/darts, cnn (operations, model_search, model), and of the mixed
operation of github.com/yuhuixu1993/PC-DARTS, in plain modules. `copy_supernet` and `copy_network`
give those, or the authors' own, the weights of ours.
"""

import torch
from torch import nn

OPERATIONS = (
    *("none", "max_pool_3x3", "avg_pool_3x3", "skip_connect"),
    *("sep_conv_3x3", "sep_conv_5x5", "dil_conv_3x3", "dil_conv_5x5"),
)


class Op(nn.Module):
    """ReLU, convolution, ..., batch norm."""

    def __init__(self, *modules):
        super().__init__()
        self.op = nn.Sequential(*modules)

    def forward(self, x):
        return self.op(x)


class Zero(nn.Module):
    def __init__(self, stride):
        super().__init__()
        self.stride = stride

    def forward(self, x):
        return x[:, :, :: self.stride, :: self.stride].mul(0.0)


class FactorizedReduce(nn.Module):
    def __init__(self, inputs, outputs, affine):
        super().__init__()
        self.conv_1 = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.conv_2 = nn.Conv2d(inputs, outputs // 2, 1, 2, bias=False)
        self.bn = nn.BatchNorm2d(outputs, affine=affine)

    def forward(self, x):
        x = x.relu()
        return self.bn(torch.cat([self.conv_1(x), self.conv_2(x[:, :, 1:, 1:])], dim=1))


def depthwise(channels, kernel, stride, dilation):
    padding = dilation * (kernel // 2)
    return (
        nn.ReLU(),
        nn.Conv2d(
            channels, channels, kernel, stride, padding, dilation, groups=channels, bias=False
        ),
        nn.Conv2d(channels, channels, 1, bias=False),
    )


def operation(name, channels, stride, affine):
    kernel = int(name[-1]) if name[-1].isdigit() else 0
    if name == "none":
        return Zero(stride)
    if name == "max_pool_3x3":
        return nn.MaxPool2d(3, stride, 1)
    if name == "avg_pool_3x3":
        return nn.AvgPool2d(3, stride, 1, count_include_pad=False)
    if name == "skip_connect":
        return nn.Identity() if stride == 1 else FactorizedReduce(channels, channels, affine)
    if name.startswith("dil"):
        return Op(*depthwise(channels, kernel, stride, 2), nn.BatchNorm2d(channels, affine=affine))
    return Op(
        *depthwise(channels, kernel, stride, 1),
        nn.BatchNorm2d(channels, affine=affine),
        *depthwise(channels, kernel, 1, 1),
        nn.BatchNorm2d(channels, affine=affine),
    )


def preprocess(inputs, channels, halves, affine):
    if halves:
        return FactorizedReduce(inputs, channels, affine)
    convolution = nn.Conv2d(inputs, channels, 1, bias=False)
    return Op(nn.ReLU(), convolution, nn.BatchNorm2d(channels, affine=affine))


class MixedOp(nn.Module):
    def __init__(self, channels, stride, k):
        super().__init__()
        self.k = k
        self._ops = nn.ModuleList()
        for name in OPERATIONS:
            op = operation(name, channels // k, stride, False)
            if "pool" in name:
                op = nn.Sequential(op, nn.BatchNorm2d(channels // k, affine=False))
            self._ops.append(op)

    def forward(self, x, weights):
        seen, past = x.split([x.shape[1] // self.k, x.shape[1] - x.shape[1] // self.k], dim=1)
        mixed = sum(w * op(seen) for w, op in zip(weights, self._ops, strict=True))
        if self.k == 1:
            return mixed
        if mixed.shape[2] != x.shape[2]:
            past = nn.functional.max_pool2d(past, 2, 2)
        joined = torch.cat([mixed, past], dim=1).unflatten(1, (self.k, -1))
        return joined.transpose(1, 2).flatten(1, 2)


class SearchCell(nn.Module):
    def __init__(self, before, channels, reduction, reduction_before, k):
        super().__init__()
        self.reduction = reduction
        self.preprocess0 = preprocess(before[0], channels, reduction_before, False)
        self.preprocess1 = preprocess(before[1], channels, False, False)
        self._ops = nn.ModuleList(
            MixedOp(channels, 2 if reduction and source < 2 else 1, k)
            for node in range(4)
            for source in range(2 + node)
        )

    def forward(self, s0, s1, weights, betas):
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        place = 0
        for _ in range(4):
            terms = []
            for state in states:
                terms.append(betas[place] * self._ops[place](state, weights[place]))
                place += 1
            states.append(sum(terms))
        return torch.cat(states[2:], dim=1)


class InferCell(nn.Module):
    """edges: (name, source) of the two operations of each node."""

    def __init__(self, edges, before, channels, reduction, reduction_before):
        super().__init__()
        self.preprocess0 = preprocess(before[0], channels, reduction_before, True)
        self.preprocess1 = preprocess(before[1], channels, False, True)
        self._indices = [source for _, source in edges]
        self._ops = nn.ModuleList(
            operation(name, channels, 2 if reduction and source < 2 else 1, True)
            for name, source in edges
        )

    def forward(self, s0, s1):
        states = [self.preprocess0(s0), self.preprocess1(s1)]
        sources = iter(zip(self._ops, self._indices, strict=True))
        for _ in range(4):
            states.append(sum(op(states[source]) for op, source in (next(sources), next(sources))))
        return torch.cat(states[2:], dim=1)


class Network(nn.Module):
    """cell: of (before, channels, reduction, reduction before), a cell. Three cells a third."""

    def __init__(self, colours, channels, layers, classes, cell):
        super().__init__()
        width = 3 * channels
        self.stem = nn.Sequential(
            nn.Conv2d(colours, width, 3, padding=1, bias=False), nn.BatchNorm2d(width)
        )
        self.cells, before, reduction_before = nn.ModuleList(), (width, width), False
        for index in range(layers):
            reduction = index in (layers // 3, 2 * layers // 3)
            channels *= 2 if reduction else 1
            self.cells.append(cell(before, channels, reduction, reduction_before))
            before, reduction_before = (before[1], 4 * channels), reduction
        self.classifier = nn.Linear(before[1], classes)

    def forward(self, images, weights=None):
        """weights: of a cell that is a reduction or not, its (weights, betas)."""
        s0 = s1 = self.stem(images)
        for cell in self.cells:
            more = () if weights is None else weights[cell.reduction]
            s0, s1 = s1, cell(s0, s1, *more)
        return self.classifier(s1.mean((2, 3)))


@torch.no_grad()
def copy_supernet(ours, authors):
    """Give an authors' network the weights of a supernet of ours."""
    authors.stem[0].weight.copy_(ours.stem.weight)
    authors.stem[1].weight.copy_(ours.stem_norm.scale)
    authors.stem[1].bias.copy_(ours.stem_norm.shift)
    for own, other in zip(ours.cells, authors.cells, strict=True):
        _copy_inputs(own, other)
        place = 0
        for node in range(2, 6):
            for source in range(node):
                modules = other._ops[place]._ops
                for name, module in own.edges[f"{source}_{node}"].items():
                    _copy_operation(module, modules[OPERATIONS.index(name)])
                place += 1
    authors.classifier.weight.copy_(ours.classifier)
    authors.classifier.bias.copy_(ours.classifier_bias)


@torch.no_grad()
def copy_network(ours, authors):
    """Give an authors' network for training alone the weights of ours."""
    _copy_unit([ours.stem[0]], [ours.stem[1]], authors.stem)
    for own, other in zip(ours.cells, authors.cells, strict=True):
        _copy_inputs(own, other)
        for module, op in zip(own.operations, other._ops, strict=True):
            _copy_operation(module, op)
    authors.classifier.weight.copy_(ours.classifier[0])
    authors.classifier.bias.copy_(ours.bias[0])


def _copy_inputs(own, other):
    for module, target in zip(own.inputs, (other.preprocess0, other.preprocess1), strict=True):
        _copy_operation(module, target)


def _copy_operation(module, other):
    kind = type(module).__name__
    if kind == "FactorizedReduction":
        other.conv_1.weight.copy_(module.first.weight)
        other.conv_2.weight.copy_(module.second.weight)
        _copy_norm(module.norm, other.bn)
    elif kind == "SeparableConvolution":
        units = (module.first, module.second)
        _copy_unit(
            [c for unit in units for c in unit.convolutions], [u.norm for u in units], other.op
        )
    elif kind == "Unit":
        _copy_unit(list(module.convolutions), [module.norm], other.op)


def _copy_unit(convolutions, norms, modules):
    targets = [module for module in modules if isinstance(module, nn.Conv2d)]
    for convolution, target in zip(convolutions, targets, strict=True):
        target.weight.copy_(convolution.weight)
    targets = [module for module in modules if isinstance(module, nn.BatchNorm2d)]
    for norm, target in zip(norms, targets, strict=True):
        _copy_norm(norm, target)


def _copy_norm(norm, other):
    if other.affine:
        other.weight.copy_(norm.weight)
        other.bias.copy_(norm.bias)
