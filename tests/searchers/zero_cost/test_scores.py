"""Scores beside their authors' algorithms on the authors' network, module by module."""

import copy
import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from support.plain_nasbench201 import InferCell, TinyNetwork, copy_network
from torch import nn

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.network.scratch import ScratchSettings, scratch_networks_of
from oneshot_hpo.searchers.zero_cost import SCORES, Scorer, ScoreSettings
from oneshot_hpo.searchers.zero_cost.activations import naswot
from oneshot_hpo.searchers.zero_cost.jacobian import jacobian_covariance
from oneshot_hpo.searchers.zero_cost.saliency import gradient_norm, synflow

SPACE = get_space("nasbench201")
SETTINGS = ScratchSettings(channels=4, stacks=2)
CELLS = [SPACE.sample(np.random.default_rng(seed)) for seed in range(4)]
# a node that nothing reads, a skip from end to end beside pooling, and nothing at all
CELLS += [
    SPACE.parse(text)
    for text in (
        "|nor_conv_3x3~0|+|none~0|none~1|+|nor_conv_1x1~0|none~1|none~2|",
        "|avg_pool_3x3~0|+|none~0|skip_connect~1|+|skip_connect~0|nor_conv_3x3~1|none~2|",
        "|none~0|+|none~0|none~1|+|none~0|none~1|none~2|",
    )
]
IMAGES = torch.rand(12, 3, 8, 8, generator=torch.Generator().manual_seed(1))
LABELS = torch.arange(12) % 10


def both(architecture):
    """Our network and the authors', of the same weights."""
    ours = scratch_networks_of(SPACE, [architecture], 3, 10, SETTINGS)
    ours.initialise(torch.Generator().manual_seed(0))
    names = SPACE.names(architecture)
    plain = TinyNetwork(3, 4, 2, lambda width: [InferCell(names, width)], 10)
    copy_network(ours, plain, 0)
    return ours.double().train(), plain.double().train()


def layers(network):
    return [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]


@pytest.mark.parametrize("architecture", CELLS, ids=SPACE.text)
def test_synflow_is_the_authors(architecture):
    """zero-cost-nas, measures/synflow.py with bn=False."""
    ours, plain = both(architecture)
    for module in plain.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.forward = lambda x: x
    with torch.no_grad():
        for value in plain.state_dict().values():
            value.abs_()
    plain(torch.ones(1, 3, 8, 8).double()).sum().backward()
    grads = [layer.weight.grad for layer in layers(plain)]
    total = sum(
        float((layer.weight * grad).detach().abs().sum())
        for layer, grad in zip(layers(plain), grads, strict=True)
        if grad is not None
    )
    before = copy.deepcopy(ours.state_dict())
    assert synflow(ours, IMAGES) == pytest.approx(total, rel=1e-9)
    for name, value in ours.state_dict().items():
        assert torch.equal(value, before[name])


@pytest.mark.parametrize("architecture", CELLS, ids=SPACE.text)
def test_the_gradient_norm_is_the_authors(architecture):
    """zero-cost-nas, measures/grad_norm.py."""
    ours, plain = both(architecture)
    F.cross_entropy(plain(IMAGES.double()), LABELS).backward()
    total = sum(
        float(layer.weight.grad.norm()) for layer in layers(plain) if layer.weight.grad is not None
    )
    assert gradient_norm(ours, IMAGES.double(), LABELS) == pytest.approx(total, rel=1e-9)


@pytest.mark.parametrize("architecture", CELLS[:-1], ids=SPACE.text)
def test_the_jacobian_covariance_is_the_authors(architecture):
    """zero-cost-nas, measures/jacob_cov.py."""
    ours, plain = both(architecture)
    x = IMAGES.double().requires_grad_()
    y = plain(x)
    y.backward(torch.ones_like(y))
    correlations = np.corrcoef(x.grad.reshape(len(x), -1).numpy())
    v, _ = np.linalg.eig(correlations)
    expected = -np.sum(np.log(v + 1e-5) + 1.0 / (v + 1e-5))
    assert jacobian_covariance(ours, IMAGES.double()) == pytest.approx(expected, rel=1e-6)


def test_a_network_without_a_jacobian_has_no_covariance():
    ours, _ = both(CELLS[-1])
    assert math.isnan(jacobian_covariance(ours, IMAGES.double()))


@pytest.mark.parametrize("architecture", CELLS, ids=SPACE.text)
def test_naswot_is_the_authors(architecture):
    """nas-without-training, score_networks.py with hook_logdet."""
    ours, plain = both(architecture)
    kernels = []

    def forward_hook(module, inputs, output):
        if not getattr(module, "visited_backwards", False):
            return
        x = (inputs[0].flatten(1) > 0).double()
        kernels.append(x @ x.t() + (1.0 - x) @ (1.0 - x.t()))

    def backward_hook(module, inputs, output):
        module.visited_backwards = True

    for module in plain.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(forward_hook)
            module.register_full_backward_hook(backward_hook)
    x = IMAGES.double().requires_grad_()
    y = plain(x)
    y.backward(torch.ones_like(y))
    plain(IMAGES.double())
    expected = np.linalg.slogdet(sum(kernels).numpy())[1]
    assert naswot(ours, IMAGES.double()) == pytest.approx(expected, rel=1e-6)


@pytest.mark.slow
@pytest.mark.parametrize("space", ["1", "nasbench201", "darts"])
def test_every_space_with_networks_has_scores(space):
    chosen = get_space(int(space) if space.isdigit() else space)
    data = load_dataset("digits")
    network = ScratchSettings(channels=4, stacks=2)
    architecture = chosen.sample(np.random.default_rng(3))
    scorer = Scorer(chosen, data, network, ScoreSettings(images=16))
    found = scorer.scores(architecture)
    assert tuple(found) == SCORES
    if space == "darts":  # it has no drawings
        assert math.isnan(found.pop("nn_degree"))
    assert all(math.isfinite(value) for value in found.values()), found
    again = scorer.scores(architecture)
    assert {name: again[name] for name in found} == found
    other = Scorer(chosen, data, network, ScoreSettings(images=16, seed=1)).scores(architecture)
    for name in found:
        assert (other[name] != found[name]) == (name not in ("parameters", "nn_degree"))


def test_nn_degree_counts_what_skips_layers():
    scorer = Scorer(SPACE, load_dataset("digits"), SETTINGS, ScoreSettings(images=4))
    chain = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|none~0|none~1|nor_conv_3x3~2|"
    skipping = "|nor_conv_3x3~0|+|none~0|nor_conv_3x3~1|+|skip_connect~0|none~1|nor_conv_3x3~2|"
    assert scorer.scores(SPACE.parse(chain))["nn_degree"] == 4 + 8
    # six vertices; input to the skip and the skip to the output, one edge more than a chain's five
    assert scorer.scores(SPACE.parse(skipping))["nn_degree"] == pytest.approx(12 + 2 * 1 / 5)
