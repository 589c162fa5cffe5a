import numpy as np
import pytest
import torch
from support.encodings import operations_in, parents_in
from torch.nn import functional as F

from oneshot_hpo.search_spaces import Architecture, get_space
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.nasbench101 import cell as cell_module
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
from oneshot_hpo.searchers.network.operations import BATCH_NORM_EPSILON
from oneshot_hpo.searchers.settings import SearchSettings

SMALL = SearchSettings(channels=4, stacks=3, cells_per_stack=2)
PAPER = SearchSettings(channels=4, stacks=3, cells_per_stack=2, supernet="paper")


def make_supernet(space, settings=SMALL, in_channels=3, seed=0, proportion=1):
    generator = torch.Generator().manual_seed(seed)
    supernet = Supernet(space.num_blocks, in_channels, 10, settings, generator, proportion)
    with torch.no_grad():  # scale 1 and shift 0 would hide mistakes
        for parameter in supernet.parameters():
            if parameter.ndim != 4:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return supernet


class Encodings:
    """One of each kind that a searcher makes, and the leaves whose gradient it wants."""

    def __init__(self, space, seed=1):
        self.space = space
        self.rng = np.random.default_rng(seed)
        self.leaves = []

    def weight(self, value):
        leaf = torch.tensor(value, dtype=torch.float64, requires_grad=True)
        self.leaves.append(leaf)
        return leaf

    def positive(self, places):
        return {place: self.weight(self.rng.uniform(0.1, 1)) for place in places}

    def mixture(self):
        """Every operation, every edge; those of a node without a choice are exactly 1."""
        operations = [self.positive(range(3)) for _ in range(self.space.num_blocks)]
        return Encoding((*self.soft_parents(), *operations))

    def soft_parents(self):
        return [
            self.positive(range(node)) if parents < node else dict.fromkeys(range(node))
            for node, parents in enumerate(self.space.num_parents, start=1)
        ]

    def single(self):
        """One operation a block, every edge."""
        operations = [self.positive([self.rng.integers(3)]) for _ in range(self.space.num_blocks)]
        return Encoding((*self.soft_parents(), *operations))

    def discrete(self):
        return Encoding.discrete(self.space.sample(self.rng))

    def gated(self):
        """Two operations, one closed; edges of two sets of parents, some closed."""
        operations = []
        for _ in range(self.space.num_blocks):
            one, other = self.rng.permutation(3)[:2].tolist()
            operations.append({one: self.weight(1.0), other: self.weight(0.0)})
        parents = [
            {source: self.weight(float(self.rng.integers(2))) for source in range(node)}
            for node in range(1, self.space.num_blocks + 2)
        ]
        parents[-1][0] = self.weight(1.0)  # or everything may be closed
        return Encoding((*parents, *operations), positive=False)


def plain_batch_norm(x, scale=1.0, shift=0.0):
    mean = x.mean((0, 2, 3), keepdim=True)
    variance = ((x - mean) ** 2).mean((0, 2, 3), keepdim=True)
    normalised = (x - mean) / (variance + BATCH_NORM_EPSILON).sqrt()
    return normalised * scale + shift


def plain_unit(x, weight, scale, shift):
    x = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
    return torch.relu(plain_batch_norm(x, scale[:, None, None], shift[:, None, None]))


def plain_choice(cell, j, x, weights, proportion):
    """Partial channels as Xu et al. write them: operate, concatenate, shuffle."""
    part = x.shape[1] // proportion
    operated = x[:, :part]
    units = (
        lambda: plain_unit(operated, cell.conv3x3[j], cell.norm.scale[j, 0], cell.norm.shift[j, 0]),
        lambda: plain_unit(operated, cell.conv1x1[j], cell.norm.scale[j, 1], cell.norm.shift[j, 1]),
        lambda: F.max_pool2d(operated, 3, 1, 1),
    )
    mixed = sum((1 if w is None else w) * units[place]() for place, w in weights.items())
    joined = torch.cat((mixed, x[:, part:]), 1)
    return joined.unflatten(1, (proportion, part)).transpose(1, 2).flatten(1, 2)


def plain_cell(cell, x, encoding, proportion):
    """A cell one operation and one edge at a time, dead ones too, weights outside the ReLU."""
    operations, parents = operations_in(encoding), parents_in(encoding)
    n = len(operations)
    channels = len(cell.projection) // (2 * n)

    def project(first, last):
        norm = cell.projection_norm
        weight = cell.projection[first:last]
        return plain_unit(x, weight, norm.scale[first:last], norm.shift[first:last])

    outputs = []
    for j in range(n):
        nodes = [project(j * channels, (j + 1) * channels), *outputs]
        edges = parents[j]
        total = sum((1 if w is None else w) * nodes[s] for s, w in edges.items())
        outputs.append(plain_choice(cell, j, total, operations[j], proportion))
    edges = {source: 1 if w is None else w for source, w in parents[-1].items()}
    joined = torch.cat([edges.get(j + 1, 0) * outputs[j] for j in range(n)], 1)
    return edges.get(0, 0) * project(n * channels, 2 * n * channels) + joined


def plain_forward(supernet, settings, images, encoding, proportion=1):
    is_paper = settings.supernet == "paper"
    norm = supernet.stem_norm
    x = plain_unit(images, supernet.stem, norm.scale, norm.shift)
    for index, cell in enumerate(supernet.cells):
        if index and index % settings.cells_per_stack == 0:
            x = F.max_pool2d(x, 2, padding=1 if is_paper else 0)
        x = plain_cell(cell, x, encoding, proportion)
    if is_paper:
        x = plain_batch_norm(F.conv2d(torch.relu(x), supernet.head.projection))
    return F.linear(x.mean((2, 3)), supernet.classifier, supernet.classifier_bias)


def agree(supernet, settings, encodings, encoding, in_channels=3, proportion=1):
    """Logits and all gradients equal those of the plain mathematics, in float64."""
    generator = torch.Generator().manual_seed(2)
    images = torch.randn(6, in_channels, 8, 8, generator=generator, dtype=torch.float64)
    labels = torch.arange(6)
    wanted = [*encodings.leaves, *supernet.parameters()]
    outputs = []
    for logits in (
        supernet(images, encoding),
        plain_forward(supernet, settings, images, encoding, proportion),
    ):
        loss = F.cross_entropy(logits, labels)
        outputs.append((logits, torch.autograd.grad(loss, wanted, materialize_grads=True)))
    (logits, gradients), (plain_logits, plain_gradients) = outputs
    assert torch.allclose(logits, plain_logits, rtol=1e-12, atol=1e-12)
    assert any(gradient.abs().max() > 0 for gradient in plain_gradients)
    for gradient, plain in zip(gradients, plain_gradients, strict=True):
        assert torch.allclose(gradient, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("kind", ["mixture", "single", "discrete", "gated"])
@pytest.mark.parametrize("number", [1, 2, 3])
def test_agrees_with_the_plain_mathematics(number, kind, fused, monkeypatch):
    monkeypatch.setattr(cell_module, "fusing_pays", lambda x, channels: fused)
    space = get_space(number)
    supernet = make_supernet(space).double()
    for seed in range(4 if kind == "discrete" else 1):
        encodings = Encodings(space, seed)
        agree(supernet, SMALL, encodings, getattr(encodings, kind)())


@pytest.mark.parametrize("fused", [True, False])
@pytest.mark.parametrize("kind", ["mixture", "discrete"])
def test_partial_channels_agree_with_the_plain_mathematics(kind, fused, monkeypatch):
    monkeypatch.setattr(cell_module, "fusing_pays", lambda x, channels: fused)
    space = get_space(2)
    supernet = make_supernet(space, proportion=2).double()
    encodings = Encodings(space)
    agree(supernet, SMALL, encodings, getattr(encodings, kind)(), proportion=2)


@pytest.mark.parametrize("kind", ["mixture", "single", "discrete", "gated"])
@pytest.mark.parametrize("number", [1, 3])
def test_the_papers_supernet_agrees_with_the_plain_mathematics(number, kind):
    space = get_space(number)
    supernet = make_supernet(space, PAPER, in_channels=1).double()
    encodings = Encodings(space)
    agree(supernet, PAPER, encodings, getattr(encodings, kind)(), in_channels=1)


def test_a_discrete_cell_computes_only_what_leads_to_its_output():
    """Blocks 3 and 4 are loose ends, and no edge leads from the input to the output."""
    parents = ((0,), (0, 1), (0, 1), (0, 1), (1, 2))
    operations = ((0,), (1,), (0,), (2,))
    encoding = Encoding.discrete(Architecture((*parents, *operations)))
    assert cell_module.Wiring(encoding).blocks == [1, 2]
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    supernet = make_supernet(get_space(1))
    with torch.profiler.profile(activities=[torch.profiler.ProfilerActivity.CPU]) as profile:
        supernet(images, encoding)
    calls = {event.key: event.count for event in profile.key_averages()}
    # Of each cell: the projections to both blocks in one call, and an operation for each.
    assert calls["aten::conv2d"] == 1 + 6 * 3
    assert calls["aten::max_pool2d"] == 2  # between the stacks


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


@pytest.mark.parametrize("settings", [SMALL, PAPER])
@pytest.mark.parametrize("size", [8, 7, 32])
def test_logits_for_any_image_size(settings, size):
    space = get_space(2)
    supernet = make_supernet(space, settings)
    encoding = Encoding.discrete(space.architecture(5))
    generator = torch.Generator().manual_seed(0)
    logits = supernet(torch.randn(5, 3, size, size, generator=generator), encoding)
    assert logits.shape == (5, 10)
    assert logits.isfinite().all()


def test_images_of_a_batch_are_the_only_statistics():
    """No buffers: the same batch gives the same logits, whatever was seen before."""
    space = get_space(1)
    supernet = make_supernet(space)
    assert not list(supernet.buffers())
    encoding = Encoding.discrete(space.architecture(7))
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    first = supernet(images, encoding)
    supernet(5 * images + 1, encoding)
    assert torch.equal(supernet(images, encoding), first)


def test_kept_statistics_are_those_of_the_last_batch_and_rule_evaluation():
    space = get_space(1)
    supernet = make_supernet(space, SearchSettings(channels=4, stacks=1)).double()
    supernet.keep_statistics(momentum=1.0)
    encoding = Encodings(space).mixture()
    images = torch.randn(64, 3, 8, 8, generator=torch.Generator().manual_seed(0)).double()
    in_training = supernet(images, encoding)
    supernet.eval()
    logits = supernet(images, encoding)
    # Not equal: running variances are unbiased ones, of 64 x 64 pixels.
    assert torch.allclose(logits, in_training, rtol=1e-2, atol=1e-2)
    assert torch.allclose(supernet(images[:3], encoding), logits[:3])


def test_the_papers_statistics_are_nearly_the_last_batchs():
    supernet = make_supernet(get_space(1), PAPER)
    images = torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    supernet(images, Encoding.discrete(get_space(1).architecture(7)))
    stem = F.conv2d(images, supernet.stem, padding=1)
    mean = supernet.stem_norm.get_buffer("mean")
    assert torch.allclose(mean, 0.997 * stem.mean((0, 2, 3)), atol=1e-6)


def test_initial_weights_come_from_the_generator():
    space = get_space(2)
    first, again, other = (make_supernet(space, seed=seed) for seed in (0, 0, 1))
    pairs = list(zip(first.parameters(), again.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert not any(torch.equal(a, c) for a, _, c in pairs)
