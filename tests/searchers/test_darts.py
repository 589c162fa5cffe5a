import copy

import numpy as np
import pytest
import torch
from support.encodings import operations_in, parents_in

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.darts import Darts
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
from oneshot_hpo.searchers.settings import SearchSettings

SETTINGS = SearchSettings(channels=2, stacks=1, cells_per_stack=1, arch_learning_rate=0.1)


def make(space, seed=0, settings=SETTINGS):
    return Darts(space, settings, torch.device("cpu"), torch.Generator().manual_seed(seed))


def make_step(space):
    generator = torch.Generator().manual_seed(3)
    supernet = Supernet(space.num_blocks, 1, 10, SETTINGS, generator)
    images = torch.randn(20, 1, 8, 8, generator=generator)
    optimizer = torch.optim.SGD(supernet.parameters(), lr=0.1)
    return supernet, Batch(images, torch.arange(20) % 10), optimizer


@pytest.mark.parametrize(
    ("number", "nodes_with_a_choice"), [(1, [3, 4, 5]), (2, [2, 3, 4, 5]), (3, [2, 3, 4, 5, 6])]
)
def test_alpha_is_where_the_space_has_a_choice(number, nodes_with_a_choice):
    space = get_space(number)
    searcher = make(space)
    operations, *parents = searcher.alphas
    assert operations.shape == (space.num_blocks, 3)
    assert [alpha.shape for alpha in parents] == [(node,) for node in nodes_with_a_choice]
    values = torch.cat([alpha.flatten() for alpha in searcher.alphas])
    assert 3e-4 < values.detach().std() < 3e-3


@pytest.mark.parametrize("number", [1, 2, 3])
def test_any_alpha_gives_an_architecture_of_the_space(number):
    space = get_space(number)
    for seed in range(30):
        space.configuration(make(space, seed).architecture())


@pytest.mark.parametrize("number", [1, 2, 3])
def test_discretisation_takes_the_largest_weights(number):
    """Alphas that favour a drawn architecture give that architecture."""
    space = get_space(number)
    rng = np.random.default_rng(0)
    for _ in range(20):
        wanted = space.sample(rng)
        searcher = make(space, int(rng.integers(1000)))
        with torch.no_grad():
            operations, *parents = searcher.alphas
            for block, place in enumerate(space.operation_places(wanted)):
                operations[block, place] += 1
            for alpha in parents:  # a node has as many candidates as its number
                alpha[list(space.parents(wanted)[len(alpha) - 1])] += 1
        assert searcher.architecture() == wanted


@pytest.mark.parametrize("number", [1, 2, 3])
def test_weights_are_positive_and_sum_to_the_number_of_parents(number):
    space = get_space(number)
    encoding = make(space).weights_encoding()
    for weights in operations_in(encoding):
        assert float(sum(weights.values())) == pytest.approx(1)
    for node, weights in enumerate(parents_in(encoding), start=1):
        assert list(weights) == list(range(node))
        if node == space.num_parents[node - 1]:
            assert set(weights.values()) == {None}
            continue
        assert float(sum(weights.values())) == pytest.approx(space.num_parents[node - 1])
        assert all(weight > 0 and not weight.requires_grad for weight in weights.values())


def test_in_the_papers_supernet_edges_are_averages():
    settings = SearchSettings(channels=2, stacks=1, cells_per_stack=1, supernet="paper")
    encoding = make(get_space(2), settings=settings).weights_encoding()
    assert float(sum(parents_in(encoding)[-1].values())) == pytest.approx(1)


def test_a_step_moves_alpha_down_the_validation_loss_and_leaves_the_weights():
    space = get_space(1)
    supernet, batch, weights = make_step(space)
    before = [parameter.clone() for parameter in supernet.parameters()]
    searcher = make(space)
    losses = [float(searcher.architecture_step(supernet, batch, batch, weights)) for _ in range(30)]
    assert losses[-1] < losses[0]
    assert all(
        torch.equal(old, new) and new.grad is None
        for old, new in zip(before, supernet.parameters(), strict=True)
    )


def test_a_step_is_adams():
    """The first step of Adam is the learning rate against the gradient's sign."""
    space = get_space(2)
    supernet, batch, weights = make_step(space)
    searcher = make(space)
    before = searcher.alphas[0].detach().clone()
    searcher.architecture_step(supernet, batch, batch, weights)
    step = searcher.alphas[0].detach() - before
    assert torch.allclose(step, -0.1 * searcher.alphas[0].grad.sign(), rtol=1e-2)


def test_state_continues_exactly():
    space = get_space(3)
    supernet, batch, weights = make_step(space)
    searcher, other = make(space), make(space, seed=9)
    searcher.architecture_step(supernet, batch, batch, weights)
    other.load_state_dict(copy.deepcopy(searcher.state_dict()))
    for one in (searcher, other):
        one.architecture_step(supernet, batch, batch, weights)
    assert torch.equal(searcher.alphas[0], other.alphas[0])
    assert torch.equal(searcher.alphas[-1], other.alphas[-1])
