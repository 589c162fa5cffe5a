import pytest
import torch
from support.encodings import operations_in, parents_in
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space


def test_one_operation_a_block_and_soft_edges():
    space = get_space(2)
    searcher = Steps("gdas", space).searcher
    encoding = searcher.mixture()
    assert [len(block) for block in operations_in(encoding)] == [1] * space.num_blocks
    weights = [weight for block in operations_in(encoding) for weight in block.values()]
    assert all(weight.detach() == 1 and weight.requires_grad for weight in weights)
    assert float(sum(parents_in(encoding)[-1].values()).detach()) == pytest.approx(3)
    constant = searcher.weights_encoding()
    assert all(w is None for block in operations_in(constant) for w in block.values())


def test_operations_are_drawn_by_their_probabilities():
    searcher = Steps("gdas", get_space(1)).searcher
    chances = torch.tensor([0.6, 0.3, 0.1])
    with torch.no_grad():
        searcher.alphas[0][:] = chances.log()
        drawn = torch.zeros(3)
        for _ in range(500):
            for block in operations_in(searcher.mixture()):
                drawn[next(iter(block))] += 1
    assert torch.allclose(drawn / drawn.sum(), chances, atol=0.04)


def test_the_gradient_is_the_soft_draws():
    """Straight through: d weight / d alpha is that of the Gumbel softmax at the temperature."""
    searcher = Steps("gdas", get_space(1), temperature_start=2.0).searcher
    state = searcher._generator.get_state()
    (place, weight), *_ = operations_in(searcher.mixture())[0].items()
    (gradient,) = torch.autograd.grad(weight, searcher.alphas[0])
    searcher._generator.set_state(state)
    soft = searcher._noisy(searcher.alphas[0])[0].detach()
    wanted = -soft[place] * soft / 2.0
    wanted[place] += soft[place] / 2.0
    assert torch.allclose(gradient[0], wanted)
    assert not gradient[1:].any()


@pytest.mark.parametrize(("epoch", "temperature"), [(0, 10.0), (5, 5.5), (10, 1.0)])
def test_the_temperature_falls_linearly(epoch, temperature):
    searcher = Steps("gdas", get_space(1)).searcher
    searcher.begin_epoch(epoch, 11)
    assert searcher._temperature == pytest.approx(temperature)


def test_the_gradient_of_alpha_is_clipped():
    steps = Steps("gdas", get_space(1), grad_clip=1e-4)
    _, gradients = steps.searcher.gradient(steps.supernet, steps.train, steps.valid, steps.weights)
    norm = torch.cat([gradient.flatten() for gradient in gradients]).norm()
    assert float(norm) == pytest.approx(1e-4, rel=1e-2)


def test_evaluation_has_no_noise():
    searcher = Steps("gdas", get_space(1)).searcher
    first, second = (searcher.evaluation_encoding() for _ in range(2))
    assert first == second
    found = [next(iter(block)) for block in operations_in(first)]
    assert found == list(get_space(1).operation_places(searcher.architecture()))


def test_an_edge_that_drew_none_has_no_gradient():
    """The rest of the cell has one, and a cell that is cut everywhere has none at all."""
    space = get_space("nasbench201")
    steps = Steps("gdas", space)
    none = space.operations.index("none")
    with torch.no_grad():
        steps.searcher.alphas[0][:, none] = -100.0
        steps.searcher.alphas[0][4] = 0.0
        steps.searcher.alphas[0][4, none] = 100.0
    _, (gradient,) = steps.searcher.gradient(
        steps.supernet, steps.train, steps.valid, steps.weights
    )
    assert gradient[[0, 1, 2, 3, 5]].abs().sum(1).all()
    assert not gradient[4].any()
    with torch.no_grad():
        steps.searcher.alphas[0][:, none] = 1000.0
    loss, (gradient,) = steps.searcher.gradient(
        steps.supernet, steps.train, steps.valid, steps.weights
    )
    assert loss.isfinite() and not gradient.any()


def test_each_edge_of_the_space_of_darts_has_one_operation():
    space = get_space("darts")
    steps = Steps("gdas", space, stacks=2)
    for choice, weights in zip(space.choices, steps.searcher.mixture().weights, strict=True):
        assert sorted(choice.groups[place] for place in weights) == sorted(set(choice.groups))
    architecture = steps.searcher.architecture()
    space.check(architecture)
