import pytest
import torch
from support.steps import Steps
from torch.nn import functional as F

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.drnas import concentration


def authors_shares(alpha):
    """`process_step_matrix(alpha, 'dirichlet', None)` of the authors' code."""
    return torch.stack([torch.distributions.Dirichlet(F.elu(row) + 1).rsample() for row in alpha])


def test_the_gradient_is_the_authors_on_the_same_weights_and_draw():
    steps = Steps("drnas", get_space("nasbench201"))
    searcher = steps.searcher
    with torch.no_grad():
        searcher.alphas[0] += torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    alpha = searcher.alphas[0].detach().clone().requires_grad_()
    with torch.random.fork_rng():
        torch.set_rng_state(steps.generator.get_state())
        wanted = steps.loss(steps.valid, searcher.weighed([authors_shares(alpha)]))
    wanted.backward()
    loss, (gradient,) = searcher.gradient(steps.supernet, steps.train, steps.valid, steps.weights)
    torch.testing.assert_close(loss, wanted, rtol=1e-5, atol=0)
    torch.testing.assert_close(gradient, alpha.grad, rtol=1e-4, atol=1e-7)
    assert gradient.any()


def test_evaluation_and_architecture_are_by_the_mean():
    steps = Steps("drnas", get_space("nasbench201"))
    searcher = steps.searcher
    with torch.no_grad():
        searcher.alphas[0][0] = torch.tensor([0.0, 1.0, 3.0, -1.0, 0.0])
    weights = searcher.evaluation_encoding().weights[0]
    given = torch.tensor([1.0, 2.0, 4.0, torch.tensor(-1.0).exp(), 1.0])
    assert torch.allclose(torch.stack(list(weights.values())), given / given.sum())
    assert searcher.architecture().picks[0] == (2,)
    state = steps.generator.get_state()
    assert searcher.evaluation_encoding() == searcher.evaluation_encoding()
    assert torch.equal(steps.generator.get_state(), state)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf"), -200.0])
def test_a_draw_ends_whatever_alpha_is(value):
    searcher = Steps("drnas", get_space("nasbench201")).searcher
    alpha = torch.full((6, 5), value)
    assert (concentration(alpha) > 0).all()
    assert torch.allclose(searcher.drawn_shares(alpha).sum(-1), torch.ones(6))
