from functools import partial

import numpy as np
import pytest
import torch
from support.plain_darts import Network, SearchCell, copy_supernet

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.data.images import random_images
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.one_shot import supernet_of
from oneshot_hpo.searchers.pc_darts import PcDarts
from oneshot_hpo.searchers.registry import settings_class

SPACE = get_space("darts")
LAYERS = 3


def make(name="darts", preset="paper", seed=0, **settings):
    """A supernet with double precision, and a searcher with alphas that differ."""
    settings = settings_class(name)(
        **({"channels": 8, "cells_per_stack": 1, "supernet": preset} | settings)
    )
    generator = torch.Generator().manual_seed(seed)
    supernet = supernet_of(SPACE, random_images(4, 3, 8), settings, generator).double()
    searcher = (PcDarts if name == "pc_darts" else Darts)(
        SPACE, settings, torch.device("cpu"), generator
    )
    for alpha in searcher.alphas:
        alpha.data = torch.randn(alpha.shape, generator=generator).double()
    return supernet, searcher


def images(size=8):
    return torch.randn(6, 3, size, size, generator=torch.Generator().manual_seed(1)).double()


def plain_weights(searcher):
    """The shares of operations and of edges, as the authors' cells take them."""
    shares = searcher.alphas[0].softmax(1)
    betas = [beta.softmax(0) for beta in searcher.alphas[1:]] or [torch.ones(28)]
    halves = torch.cat(betas).chunk(2)
    return {False: (shares[:14], halves[0]), True: (shares[14:], halves[1])}


@pytest.mark.parametrize("name", ["darts", pytest.param("pc_darts", marks=pytest.mark.slow)])
def test_mixtures_and_their_gradients_are_the_authors(name):
    k, channels = (4, 8) if name == "pc_darts" else (1, 4)
    supernet, searcher = make(name, channels=channels)
    plain = Network(3, channels, LAYERS, 10, partial(SearchCell, k=k)).double()
    copy_supernet(supernet, plain)
    x, labels, found = images(), torch.arange(6), []
    for logits in (supernet(x, searcher.mixture()), plain(x, plain_weights(searcher))):
        loss = torch.nn.functional.cross_entropy(logits, labels)
        found.append((logits, *torch.autograd.grad(loss, searcher.alphas)))
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)

    supernet.eval()
    plain.eval()  # with the statistics of the batch before
    with torch.no_grad():
        one, other = supernet(x, searcher.mixture()), plain(x, plain_weights(searcher))
    torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(3))
def test_discrete_cells_are_the_authors(seed):
    supernet, _ = make()
    plain = Network(3, 8, LAYERS, 10, partial(SearchCell, k=1)).double()
    copy_supernet(supernet, plain)
    architecture = SPACE.sample(np.random.default_rng(seed))
    weights = torch.zeros(2, 14, 8, dtype=torch.float64)
    for place, (choice, pick) in enumerate(zip(SPACE.choices, architecture.picks, strict=True)):
        cell, node = divmod(place, 4)
        first = sum(range(2, 2 + node))
        for candidate in pick:
            source, operation = SPACE.edge(candidate)
            assert choice.candidates[candidate] == f"{SPACE.operations[operation]}~{source}"
            weights[cell, first + source, operation] = 1
    pairs = {bool(cell): (weights[cell], torch.ones(14)) for cell in (0, 1)}
    with torch.no_grad():
        one = supernet(images(), Encoding.discrete(architecture))
        torch.testing.assert_close(one, plain(images(), pairs), rtol=1e-9, atol=1e-11)


@pytest.mark.slow
def test_nodes_without_edges_are_zero():
    """As where GDAS draws `none` on all edges of a node."""
    supernet, _ = make("darts", "corrected")
    nothing = Encoding(tuple({0: None} for _ in SPACE.choices))
    logits = supernet(images(), nothing)
    torch.testing.assert_close(logits, supernet.classifier_bias.expand(6, 10))
    logits = supernet(images(size=7), Encoding(({4: None}, *({0: None} for _ in range(7)))))
    assert logits.shape == (6, 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["darts", "pc_darts"])
def test_images_of_odd_sizes_are_halved_rounded_up(name):
    supernet, searcher = make(name, "corrected")
    assert supernet(images(size=7), searcher.mixture()).shape == (6, 10)


@pytest.mark.slow
def test_weights_come_from_the_generator_alone():
    before = torch.get_rng_state()
    states = [make(seed=seed)[0].state_dict() for seed in (0, 0, 1)]
    assert torch.equal(before, torch.get_rng_state())
    for name, value in states[0].items():
        assert torch.equal(value, states[1][name])
    changed = [name for name in states[0] if not torch.equal(states[0][name], states[2][name])]
    assert {"stem.weight", "classifier", "classifier_bias"} <= set(changed)
    assert all(name in changed for name in states[0] if "convolutions" in name)
