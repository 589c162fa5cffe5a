import numpy as np
import pytest
import torch
from support.plain_nasbench201 import SearchCell, TinyNetwork, copy_supernet

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.nasbench201.supernet import Supernet
from oneshot_hpo.searchers.own_settings import PcDartsSettings
from oneshot_hpo.searchers.settings import SearchSettings

SPACE = get_space("nasbench201")
NONE = SPACE.operations.index("none")


def make(preset="paper", channels=4, dtype=torch.float64, **settings):
    """A supernet whose batch norms are not the identity, which would hide mistakes."""
    generator = torch.Generator().manual_seed(0)
    settings = SearchSettings(channels=channels, cells_per_stack=2, supernet=preset, **settings)
    supernet = Supernet(3, 10, settings, generator)
    with torch.no_grad():
        for name, parameter in supernet.named_parameters():
            if "norm" in name:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return supernet.to(dtype)


def reference(supernet, channels=4):
    plain = TinyNetwork(3, channels, 3, lambda width: [SearchCell(width), SearchCell(width)], 10)
    plain.double()
    copy_supernet(supernet, plain)
    return plain


def images(size=8):
    return torch.randn(6, 3, size, size, generator=torch.Generator().manual_seed(1)).double()


def shares(seed=2):
    logits = torch.randn(6, 5, generator=torch.Generator().manual_seed(seed)).double()
    return logits.softmax(1).requires_grad_()


def mixture(weights):
    return Encoding(tuple(dict(enumerate(row.unbind())) for row in weights))


@pytest.mark.slow
@pytest.mark.parametrize("size", [8, 64])  # one convolution for all targets of a node, and not
def test_mixtures_and_their_gradients_are_the_authors(size):
    supernet, weights = make(), shares()
    plain, x, labels = reference(supernet), images(size), torch.arange(6)
    found = []
    for logits, network in (
        (supernet(x, mixture(weights)), supernet),
        (plain(x, weights), plain),
    ):
        loss = torch.nn.functional.cross_entropy(logits, labels)
        stem = network.stem if network is supernet else network.stem[0].weight
        found.append((logits, *torch.autograd.grad(loss, (weights, stem))))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)

    supernet.eval()
    plain.eval()  # with the statistics of the batch before outside the cells, none in them
    with torch.no_grad():
        one, other = supernet(x, mixture(weights)), plain(x, weights)
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


def test_single_precision_has_the_gradients_of_double():
    """Gradients of weights of operations are written where images lie channels last."""
    weights = shares()
    found = []
    for dtype in (torch.float64, torch.float32):
        supernet = make(dtype=dtype)
        part = weights.detach().to(dtype).requires_grad_()
        loss = supernet(images().to(dtype), mixture(part)).square().mean()
        found.append(torch.autograd.grad(loss, part)[0].double())
    torch.testing.assert_close(*found, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("seed", range(6))
def test_discrete_cells_are_the_authors(seed):
    supernet = make()
    plain = reference(supernet)
    architecture = SPACE.sample(np.random.default_rng(seed))
    weights = torch.zeros(6, 5, dtype=torch.float64)
    for edge, (place,) in enumerate(architecture.picks):
        weights[edge, place] = 1
    with torch.no_grad():
        one = supernet(images(), Encoding.discrete(architecture))
        torch.testing.assert_close(one, plain(images(), weights), rtol=1e-9, atol=1e-11)


def test_a_cell_that_no_path_crosses_is_zero():
    cells = ["none,none,nor_conv_3x3,none,nor_conv_1x1,skip_connect", ",".join(["none"] * 6)]
    supernet = make()
    plain = reference(supernet)
    for cell in cells:
        architecture = SPACE.of_names(cell.split(","))
        weights = torch.zeros(6, 5, dtype=torch.float64)
        for edge, (place,) in enumerate(architecture.picks):
            weights[edge, place] = 1
        logits = supernet(images(), Encoding.discrete(architecture))
        torch.testing.assert_close(logits, plain(images(), weights), rtol=1e-9, atol=1e-11)
        logits.sum().backward()  # what comes after the cells still learns
        assert supernet.classifier.grad.abs().sum() > 0


def test_only_what_the_encoding_holds_is_computed(monkeypatch):
    supernet = make("corrected")
    calls = []
    convolve = torch.nn.functional.conv2d
    monkeypatch.setattr(
        torch.nn.functional, "conv2d", lambda *args, **kw: calls.append(1) or convolve(*args, **kw)
    )
    outside = 1 + 2 * 3
    names = ["nor_conv_3x3", "none", "skip_connect", "none", "none", "nor_conv_1x1"]
    supernet(images(), Encoding.discrete(SPACE.of_names(names)))
    assert len(calls) == outside + 2 * 6
    calls.clear()
    names[-1] = "none"  # nothing of what the cell computes reaches its output
    supernet(images(), Encoding.discrete(SPACE.of_names(names)))
    assert len(calls) == outside


def test_the_corrected_one_keeps_no_statistics():
    supernet, weights = make("corrected"), shares()
    assert not [name for name, _ in supernet.named_buffers() if "mean" in name]
    with torch.no_grad():
        trained = supernet(images(), mixture(weights))
        assert torch.equal(supernet.eval()(images(), mixture(weights)), trained)


def test_statistics_can_be_kept_for_one_architecture():
    supernet = make("corrected")
    architecture = SPACE.of_names(["nor_conv_3x3"] * 3 + ["nor_conv_1x1"] * 3)
    with torch.no_grad():
        trained = supernet(images(), Encoding.discrete(architecture))
        supernet.keep_statistics(1.0)
        supernet(images(), Encoding.discrete(architecture))
        kept = supernet.eval()(images()[:2], Encoding.discrete(architecture))
    # running variances are unbiased
    torch.testing.assert_close(kept, trained[:2], rtol=0.3, atol=0.3)
    assert not torch.equal(kept, supernet.train()(images()[:2], Encoding.discrete(architecture)))


def test_most_channels_pass_by_the_operations_of_pc_darts():
    settings = PcDartsSettings(channels=8, cells_per_stack=1, stacks=1)
    supernet = Supernet(1, 10, settings, torch.Generator().manual_seed(0))
    cell = supernet.body[0]
    assert cell.conv3x3.shape == (6 * 2, 2, 3, 3)
    x = torch.rand(2, 8, 4, 4)
    from oneshot_hpo.searchers.network.nasbench201.cell import Wiring

    (edge,) = [Wiring(Encoding(({}, {}, {}, {NONE: None, 1: None}, {}, {})))]
    out = cell(x, edge)  # the operations give x, and the bypass weighs 1 + 1
    torch.testing.assert_close(out[:, ::4], x[:, :2])
    torch.testing.assert_close(out[:, 1::4], 2 * x[:, 2:4])


def test_images_of_odd_sizes_are_halved_rounded_up():
    supernet = make("corrected")
    assert supernet(images(size=7), mixture(shares())).shape == (6, 10)
