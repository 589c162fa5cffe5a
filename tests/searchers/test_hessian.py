"""The dominant eigenvalue by Lanczos's method, against the whole Hessian."""

import pytest
import torch
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.hessian import largest_eigenvalue
from oneshot_hpo.searchers.measuring import Measuring
from oneshot_hpo.searchers.settings import SettingsError


def quadratic(matrix):
    x = [torch.full((3,), 0.5, dtype=torch.float64), torch.ones(len(matrix) - 3).double()]
    for part in x:
        part.requires_grad_()
    flat = torch.cat(x)
    return flat @ matrix @ flat / 2, x


def test_a_quadratic_forms_largest_eigenvalue():
    generator = torch.Generator().manual_seed(0)
    half = torch.randn(10, 10, generator=generator, dtype=torch.float64)
    matrix = half + half.T
    exact = torch.linalg.eigvalsh(matrix)
    assert exact[0] < -exact[-1] / 2  # the most negative one is large too, and is not meant
    loss, x = quadratic(matrix)
    assert largest_eigenvalue(loss, x) == pytest.approx(float(exact[-1]), rel=1e-10)
    loss, x = quadratic(matrix)
    few = largest_eigenvalue(loss, x, products=6)
    assert few <= float(exact[-1]) + 1e-9
    assert few == pytest.approx(float(exact[-1]), rel=0.1)


def test_loss_of_low_rank_or_linear():
    one = torch.zeros(6, 6, dtype=torch.float64)
    one[1, 1] = 4.0
    loss, x = quadratic(one)
    assert largest_eigenvalue(loss, x) == pytest.approx(4, rel=1e-10)
    y = torch.ones(4, requires_grad=True)
    assert largest_eigenvalue(2 * y.sum(), [y]) == 0


@pytest.mark.slow
@pytest.mark.parametrize(("name", "space"), [("darts", 1), ("darts", "nasbench201")])
def test_a_searchs_eigenvalue_is_that_of_the_whole_hessian(name, space):
    """In float64, a row of the Hessian at a time, as RobustDARTS computes it."""
    steps = Steps(name, get_space(space), dtype=torch.float64, channels=2)
    searcher = steps.searcher
    searcher.alphas = [alpha.detach().double().requires_grad_() for alpha in searcher.alphas]
    loss = searcher.validation_loss(steps.supernet, steps.valid)
    gradients = torch.autograd.grad(loss, searcher.alphas, create_graph=True)
    rows = [
        torch.cat(
            [
                part.flatten()
                for part in torch.autograd.grad(
                    one,
                    searcher.alphas,
                    retain_graph=True,
                    materialize_grads=True,
                    allow_unused=True,
                )
            ]
        )
        for gradient in gradients
        for one in gradient.flatten()
    ]
    whole = torch.stack(rows)
    assert torch.allclose(whole, whole.T, atol=1e-12)
    exact = float(torch.linalg.eigvalsh(whole)[-1])
    measuring = Measuring(steps.space, searcher, torch.device("cpu"))
    assert exact > 0
    assert measuring.eigenvalue(steps.supernet, steps.valid) == pytest.approx(exact, rel=1e-2)
    all_products = largest_eigenvalue(
        searcher.validation_loss(steps.supernet, steps.valid), searcher.alphas, len(whole)
    )
    assert all_products == pytest.approx(exact, rel=1e-9)


def test_it_leaves_running_statistics_as_they_are():
    steps = Steps("darts", get_space(1), supernet="paper")
    before = [buffer.clone() for buffer in steps.supernet.buffers()]
    assert before
    Measuring(steps.space, steps.searcher, torch.device("cpu")).eigenvalue(
        steps.supernet, steps.valid
    )
    after = list(steps.supernet.buffers())
    assert all(torch.equal(one, other) for one, other in zip(before, after, strict=True))


def test_a_searcher_that_draws_has_none():
    steps = Steps("gdas", get_space(1))
    with pytest.raises(SettingsError, match="not a differentiable function"):
        Measuring(steps.space, steps.searcher, torch.device("cpu")).eigenvalue(
            steps.supernet, steps.valid
        )
