import pytest
import torch
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.sampling import gumbel


def test_shares_are_the_authors_concrete_draw():
    """`_get_categ_mask`: softmax of alpha and Gumbel noise over the temperature."""
    steps = Steps("snas", get_space("nasbench201"), temperature_start=0.7)
    noise = gumbel((6, 5), torch.Generator().manual_seed(4))  # the searcher's seed ...
    steps.generator.manual_seed(4)  # ... after it drew alpha
    (alpha,) = steps.searcher.alphas
    wanted = torch.softmax((alpha.detach() + noise) / 0.7, -1)
    shares = steps.searcher.weights_encoding().weights
    found = torch.stack([torch.stack(list(row.values())) for row in shares])
    torch.testing.assert_close(found, wanted, rtol=1e-6, atol=1e-7)


def test_temperatures_are_those_of_the_authors_scheduler():
    searcher = Steps("snas", get_space(1)).searcher
    for epoch in range(150):
        searcher.begin_epoch(epoch, 150)
        wanted = (1 - (epoch + 1) / 150) * (1 - 0.03) + 0.03
        assert searcher._temperature == pytest.approx(wanted)


def test_weights_and_alpha_descend_the_training_loss_of_one_draw():
    """As the authors' single backward pass."""
    steps = Steps("snas", get_space(1))
    searcher, state = steps.searcher, steps.generator.get_state()
    shares = [searcher.drawn_shares(alpha) for alpha in searcher.alphas]
    joint = steps.loss(steps.train, searcher.weighed(shares))
    stem = steps.supernet.stem
    *alphas, of_weights = torch.autograd.grad(joint, [*searcher.alphas, stem])
    steps.generator.set_state(state)
    assert steps.step() == joint
    for alpha, wanted in zip(searcher.alphas, alphas, strict=True):
        assert torch.allclose(alpha.grad, wanted, rtol=1e-5)
    loss = steps.loss(steps.train, searcher.weights_encoding())
    assert torch.allclose(torch.autograd.grad(loss, stem)[0], of_weights, rtol=1e-4, atol=1e-7)
    # The next step has a draw of its own.
    assert steps.loss(steps.train, searcher.weights_encoding()) != loss


def test_alpha_begins_around_one():
    alphas = torch.cat([alpha.flatten() for alpha in Steps("snas", get_space(1)).searcher.alphas])
    assert float((alphas.detach() - 1).abs().max()) < 0.05
