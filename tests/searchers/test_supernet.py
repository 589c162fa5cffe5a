import pytest
import torch
from torch.nn import functional as F

from search_spaces import get_space
from searchers.darts import Darts
from searchers.encoding import Encoding
from searchers.operations import BATCH_NORM_EPSILON
from searchers.settings import SearchSettings
from searchers.supernet import Supernet

SMALL = SearchSettings(channels=4, stacks=3, cells_per_stack=2)


def make_supernet(space, settings=SMALL, in_channels=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    supernet = Supernet(space.num_blocks, in_channels, 10, settings, generator)
    with torch.no_grad():  # scale 1 and shift 0 would hide mistakes
        for parameter in supernet.parameters():
            if parameter.ndim != 4:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return supernet


def make_encoding(space, seed=1):
    """Random positive weights and, as leaves that want a gradient, their logits."""
    generator = torch.Generator().manual_seed(seed)

    def logits(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64).requires_grad_()

    operations, output = logits(space.num_blocks, 3), logits(space.num_blocks + 1)
    edges = [
        logits(node) if parents < node else None
        for node, parents in enumerate(space.num_parents[:-1], start=1)
    ]
    leaves = [operations, output, *(edge for edge in edges if edge is not None)]
    encoding = Encoding(
        operations.softmax(1),
        tuple(None if edge is None else edge.softmax(0) for edge in edges),
        output.softmax(0),
    )
    return encoding, leaves


def plain_batch_norm_relu(x, scale, shift):
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
    normalised = (x - mean) / (variance + BATCH_NORM_EPSILON).sqrt()
    return torch.relu(normalised * scale[:, None, None] + shift[:, None, None])


def plain_cell(cell, x, encoding):
    """A cell one operation and one edge at a time, weights outside the ReLU."""
    blocks, channels = cell.conv3x3.shape[:2]

    def project(first, last):
        return plain_batch_norm_relu(
            F.conv2d(x, cell.projection[first:last]),
            cell.projection_scale[first:last],
            cell.projection_shift[first:last],
        )

    outputs = []
    for j in range(blocks):
        nodes = [project(j * channels, (j + 1) * channels), *outputs]
        edges = encoding.parents[j]
        total = (
            sum(nodes) if edges is None else sum(w * s for w, s in zip(edges, nodes, strict=True))
        )
        by_3x3 = plain_batch_norm_relu(
            F.conv2d(total, cell.conv3x3[j], padding=1), cell.scale[j, 0], cell.shift[j, 0]
        )
        by_1x1 = plain_batch_norm_relu(
            F.conv2d(total, cell.conv1x1[j]), cell.scale[j, 1], cell.shift[j, 1]
        )
        pooled = F.max_pool2d(total, 3, 1, 1)
        weights = encoding.operations[j]
        outputs.append(weights[0] * by_3x3 + weights[1] * by_1x1 + weights[2] * pooled)
    weighted = [w * block for w, block in zip(encoding.output[1:], outputs, strict=True)]
    edge_to_output = project(blocks * channels, 2 * blocks * channels)
    return encoding.output[0] * edge_to_output + torch.cat(weighted, 1)


def plain_forward(supernet, settings, images, encoding):
    x = F.conv2d(images, supernet.stem, padding=1)
    x = plain_batch_norm_relu(x, supernet.stem_scale, supernet.stem_shift)
    for index, cell in enumerate(supernet.cells):
        if index and index % settings.cells_per_stack == 0:
            x = F.max_pool2d(x, 2)
        x = plain_cell(cell, x, encoding)
    return F.linear(x.mean((2, 3)), supernet.classifier, supernet.classifier_bias)


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("in_channels", [1, 3])
def test_agrees_with_the_plain_mathematics(number, in_channels):
    space = get_space(number)
    supernet = make_supernet(space, in_channels=in_channels).double()
    encoding, leaves = make_encoding(space)
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(6, in_channels, 8, 8, generator=generator, dtype=torch.float64)
    labels = torch.arange(6)
    wanted = [*leaves, *supernet.parameters()]

    logits = supernet(images, encoding)
    gradients = torch.autograd.grad(F.cross_entropy(logits, labels), wanted, retain_graph=True)
    plain_logits = plain_forward(supernet, SMALL, images, encoding)
    plain_gradients = torch.autograd.grad(F.cross_entropy(plain_logits, labels), wanted)

    assert torch.allclose(logits, plain_logits, rtol=1e-12, atol=1e-12)
    for gradient, plain in zip(gradients, plain_gradients, strict=True):
        assert float((gradient - plain).norm() / plain.norm().clamp_min(1e-3)) < 1e-12
        assert plain.abs().max() > 0


@pytest.mark.parametrize("number", [1, 2, 3])
def test_number_of_parameters(number):
    space = get_space(number)
    blocks, expected = space.num_blocks, 3 * 4 * 9 + 2 * 4
    before = 4
    for channels in (4, 4, 8, 8, 16, 16):
        for width in [channels] * blocks + [blocks * channels]:
            expected += before * width + 2 * width
        expected += blocks * (9 * channels**2 + channels**2 + 2 * 2 * channels)
        before = blocks * channels
    expected += 10 * before + 10
    assert sum(parameter.numel() for parameter in make_supernet(space).parameters()) == expected


@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("size", [8, 7, 32])
def test_logits_for_any_image_size(number, size):
    space = get_space(number)
    supernet = make_supernet(space, SearchSettings(channels=3, stacks=3, cells_per_stack=1))
    generator = torch.Generator().manual_seed(0)
    searcher = Darts(space, SMALL, torch.device("cpu"), generator)
    logits = supernet(
        torch.randn(5, 3, size, size, generator=generator), searcher.weights_encoding()
    )
    assert logits.shape == (5, 10)
    assert logits.isfinite().all()


def test_images_of_a_batch_are_the_only_statistics():
    """No buffers: the same batch gives the same logits, whatever was seen before."""
    space = get_space(1)
    supernet = make_supernet(space)
    assert not list(supernet.buffers())
    encoding, _ = make_encoding(space)
    encoding = Encoding(
        encoding.operations.detach().float(),
        tuple(None if edge is None else edge.detach().float() for edge in encoding.parents),
        encoding.output.detach().float(),
    )
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    first = supernet(images, encoding)
    supernet(5 * images + 1, encoding)
    assert torch.equal(supernet(images, encoding), first)


def test_initial_weights_come_from_the_generator():
    space = get_space(2)
    first, again, other = (make_supernet(space, seed=seed) for seed in (0, 0, 1))
    pairs = list(zip(first.parameters(), again.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert not any(torch.equal(a, c) for a, _, c in pairs)
