import torch
from support.smooth_darts import authors_clip
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space


def authors_attack(loss_of, shares, start, epsilon, steps=7):
    """`Linf_PGD_alpha` of the authors' code, from a random start that was drawn before."""
    saved, values = shares.clone(), authors_clip(start)
    for _ in range(steps):
        values.requires_grad_()
        (gradient,) = torch.autograd.grad(-loss_of(values), values)
        values = values.detach() - 2 * epsilon / steps * gradient.sign()
        values = authors_clip(saved + (values - saved).clamp(-epsilon, epsilon))
    return saved if loss_of(saved) > loss_of(values) else values


def made(space="nasbench201", **settings):
    steps = Steps("sdarts_adv", get_space(space), perturbation_start=0.3, **settings)
    steps.searcher.begin_epoch(0, 10)
    return steps


def test_the_attack_is_the_authors_on_the_same_weights_and_start():
    steps = made(dtype=torch.float32)
    searcher = steps.searcher
    (shares,) = searcher.own_shares()
    state = steps.generator.get_state()
    noise = torch.rand(6, 5, generator=torch.Generator().set_state(state))

    def loss_of(values):
        return steps.loss(steps.train, searcher.weighed([values], positive=False))

    wanted = authors_attack(loss_of, shares, shares + 0.3 * (2 * noise - 1), 0.3)
    (found,) = searcher.attacked(steps.supernet, steps.train)
    assert torch.allclose(found, wanted, atol=1e-5)
    assert loss_of(found) > loss_of(shares)


def test_the_weights_are_trained_once_on_what_a_step_found():
    steps = made(1)
    steps.step()
    plain = steps.loss(steps.train, steps.searcher.evaluation_encoding())
    worst = steps.loss(steps.train, steps.searcher.weights_encoding())
    assert worst > plain
    # Without a step before, as in the warm-up, they are trained on the mixture.
    mixture = steps.loss(steps.train, steps.searcher.mixture())
    assert steps.loss(steps.train, steps.searcher.weights_encoding()) == mixture


def test_the_attack_leaves_running_statistics_alone():
    steps = made(1, supernet="paper")
    before = {name: value.clone() for name, value in steps.supernet.named_buffers()}
    steps.supernet.eval()
    steps.searcher.attacked(steps.supernet, steps.train)
    assert before
    assert all(torch.equal(value, before[name]) for name, value in steps.supernet.named_buffers())
    steps.supernet.train()
    steps.step()
    assert steps.supernet.training
