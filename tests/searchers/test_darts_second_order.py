import pytest
import torch
from support.steps import Steps
from torch.func import functional_call
from torch.nn import functional as F

from oneshot_hpo.search_spaces import get_space


def exact_gradient(steps):
    """Equation 7 by double backward through one SGD step with momentum and weight decay."""
    searcher, group = steps.searcher, steps.weights.param_groups[0]
    names = [name for name, _ in steps.supernet.named_parameters()]
    weights = dict(steps.supernet.named_parameters())

    def loss(parameters, batch):
        logits = functional_call(steps.supernet, parameters, (batch.images, searcher.mixture()))
        return F.cross_entropy(logits, batch.labels)

    gradients = torch.autograd.grad(
        loss(weights, steps.train), list(weights.values()), create_graph=True
    )
    stepped = {}
    for name, gradient in zip(names, gradients, strict=True):
        weight = weights[name]
        buffer = steps.weights.state[weight].get("momentum_buffer", torch.zeros_like(weight))
        direction = gradient + group["weight_decay"] * weight.detach() + group["momentum"] * buffer
        stepped[name] = weight.detach() - group["lr"] * direction
    return torch.autograd.grad(loss(stepped, steps.valid), searcher.alphas)


@pytest.mark.parametrize("with_momentum", [False, True])
@pytest.mark.parametrize("number", [1, 3])
def test_agrees_with_double_backward_where_the_loss_is_smooth(number, with_momentum, monkeypatch):
    """ReLUs and max-pooling have kinks, which a finite difference crosses: without them."""
    monkeypatch.setattr(
        "oneshot_hpo.searchers.network.nasbench101.cell.batch_norm_relu",
        lambda x, scale, shift, statistics=None: F.softplus(
            F.batch_norm(x, None, None, scale, shift, training=True)
        ),
    )
    monkeypatch.setattr(F, "max_pool2d", lambda x, *_, **__: F.avg_pool2d(x, 3, 1, 1))
    steps = Steps("darts_second_order", get_space(number), dtype=torch.float64)
    for alpha in steps.searcher.alphas:
        alpha.data = alpha.data.double()
    if with_momentum:
        steps.train_weights()
    before = [weight.detach().clone() for weight in steps.supernet.parameters()]
    exact = exact_gradient(steps)
    steps.searcher._epsilon = 1e-4
    _, gradients = steps.searcher.gradient(steps.supernet, steps.train, steps.valid, steps.weights)
    loss = steps.loss(steps.valid, steps.searcher.mixture())
    first_order = torch.autograd.grad(loss, steps.searcher.alphas)
    for gradient, wanted, first in zip(gradients, exact, first_order, strict=True):
        assert torch.allclose(gradient, wanted, rtol=1e-5, atol=1e-9)
        assert not torch.allclose(first, wanted, rtol=1e-2)
    assert all(map(torch.equal, before, steps.supernet.parameters()))


def test_a_step_moves_alpha_and_not_the_weights():
    steps = Steps("darts_second_order", get_space(2))
    steps.train_weights()
    before = [weight.detach().clone() for weight in steps.supernet.parameters()]
    gradients = [weight.grad.clone() for weight in steps.supernet.parameters()]
    alpha = steps.searcher.alphas[0].detach().clone()
    steps.step()
    assert not torch.equal(alpha, steps.searcher.alphas[0])
    assert all(map(torch.equal, before, steps.supernet.parameters()))
    now = [weight.grad for weight in steps.supernet.parameters()]
    assert all(map(torch.equal, gradients, now))
