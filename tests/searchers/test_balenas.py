import pytest
import torch
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.balenas import Vadam
from oneshot_hpo.searchers.registry import settings_class
from oneshot_hpo.searchers.settings import SettingsError


def test_vadam_is_khans_with_the_same_noise():
    """One sample a step of github.com/emtiyaz/vadam, on a loss that is no quadratic."""
    images, prior, rate, betas = 100, 2.0, 0.05, (0.5, 0.999)
    noises = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))

    def loss_of(values):
        return (values.cosh() + values * torch.arange(4)).sum()

    values, mean, squares = torch.zeros(4), torch.zeros(4), torch.zeros(4)
    weight = torch.zeros(4, requires_grad=True)
    vadam = Vadam([weight], lr=rate, betas=betas, weight_decay=prior / images, images=images)
    for step, noise in enumerate(noises, start=1):
        drawn = (values + noise / (images * squares + prior).sqrt()).requires_grad_()
        (gradient,) = torch.autograd.grad(loss_of(drawn), drawn)
        mean = betas[0] * mean + (1 - betas[0]) * (gradient + prior / images * values)
        squares = betas[1] * squares + (1 - betas[1]) * gradient**2
        numerator = mean / (1 - betas[0] ** step)
        denominator = (squares / (1 - betas[1] ** step)).sqrt() + prior / images
        values = values - rate * numerator / denominator

        loss = loss_of(weight + vadam.deviation(weight) * noise)
        (weight.grad,) = torch.autograd.grad(loss, weight)
        vadam.step()
        assert torch.allclose(weight.detach(), values, atol=1e-6)


def test_shares_are_the_softmax_of_a_draw_of_alpha():
    steps = Steps("balenas", get_space("nasbench201"))
    searcher, state = steps.searcher, steps.generator.get_state()
    noise = torch.randn(6, 5, generator=torch.Generator().set_state(state))
    (alpha,) = searcher.alphas
    wanted = (alpha.detach() + noise / (25_000 * 1e-3) ** 0.5).softmax(-1)
    weights = searcher.weights_encoding().weights
    found = torch.stack([torch.stack(list(row.values())) for row in weights])
    assert torch.allclose(found, wanted)
    even = torch.stack(list(searcher.evaluation_encoding().weights[0].values()))
    assert torch.allclose(even, alpha.detach()[0].softmax(-1))


def test_a_distribution_narrows_where_gradients_are_large():
    steps = Steps("balenas", get_space(1))
    before = [steps.searcher.optimizer.deviation(alpha) for alpha in steps.searcher.alphas]
    for _ in range(3):
        steps.step()
    after = [steps.searcher.optimizer.deviation(alpha) for alpha in steps.searcher.alphas]
    assert all((new < old).all() for new, old in zip(after, before, strict=True))


def test_a_prior_without_precision_is_refused_on_one_line():
    with pytest.raises(SettingsError, match=r"^[^\n]*arch_weight_decay[^\n]*above 0[^\n]*$"):
        settings_class("balenas")(arch_weight_decay=0)
