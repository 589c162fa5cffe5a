import pytest
import torch
from support.encodings import parents_in
from support.steps import Steps
from torch.nn import functional as F

from oneshot_hpo.search_spaces import get_space


def test_the_gradient_is_the_authors_on_the_same_weights():
    """`ConvSeparateLoss`: cross-entropy plus 10 times minus the distance from 1/2."""
    steps = Steps("fairdarts", get_space("nasbench201"))
    searcher = steps.searcher
    with torch.no_grad():
        searcher.alphas[0] += torch.randn(6, 5, generator=torch.Generator().manual_seed(0))
    alpha = searcher.alphas[0].detach().clone().requires_grad_()
    weights = [dict(enumerate(row.unbind())) for row in alpha.sigmoid()]
    encoding = type(searcher.mixture())(tuple(weights))
    separate = -F.mse_loss(alpha.sigmoid(), torch.full((6, 5), 0.5))
    wanted = steps.loss(steps.valid, encoding) + 10 * separate
    wanted.backward()
    loss, (gradient,) = searcher.gradient(steps.supernet, steps.train, steps.valid, steps.weights)
    assert torch.allclose(loss, wanted)
    assert torch.allclose(gradient, alpha.grad, atol=1e-7)


@pytest.mark.parametrize("preset", ["corrected", "paper"])
def test_candidates_do_not_compete(preset):
    """A parent's weight is its own sigmoid, whatever the others' are."""
    searcher = Steps("fairdarts", get_space(1), supernet=preset).searcher
    assert all(float(alpha.detach().abs().max()) == 0 for alpha in searcher.alphas)
    with torch.no_grad():
        searcher.alphas[-1][0] = 3.0
    first, *others = (
        float(weight.detach()) for weight in parents_in(searcher.mixture())[-1].values()
    )
    assert first == pytest.approx(torch.tensor(3.0).sigmoid().item())
    assert others == [0.5] * len(others)


def test_the_edges_with_the_largest_sigmoids_are_kept():
    """Two edges of one operation each, though another edge has more in all."""
    space = get_space("darts")
    searcher = Steps("fairdarts", space, stacks=2).searcher
    place = next(n for n, choice in enumerate(space.choices) if len(choice.mixtures) == 3)
    rows = searcher.layout.rows[place]
    with torch.no_grad():
        rows[0].of(searcher.alphas)[:] = 1.0
        rows[1].of(searcher.alphas)[2] = 2.0
        rows[2].of(searcher.alphas)[3] = 3.0
    kept = searcher.architecture().picks[place]
    assert kept == (rows[1].candidates[2], rows[2].candidates[3])
