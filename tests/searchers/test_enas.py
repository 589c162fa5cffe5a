import pytest
import torch
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.network.encoding import Encoding


def test_the_baseline_begins_with_the_first_reward():
    """So the first step, on no evidence, changes nothing."""
    steps = Steps("enas", get_space(1), entropy_weight=0.0)
    controller = steps.searcher._controller
    before = [parameter.detach().clone() for parameter in controller.parameters()]
    error = float(steps.step())
    assert steps.searcher._baseline == pytest.approx(1 - error)
    assert all(map(torch.equal, before, controller.parameters()))


def test_the_baseline_follows_rewards_and_the_controller_learns():
    steps = Steps("enas", get_space(1), baseline_decay=0.5, entropy_weight=0.1)
    controller = steps.searcher._controller
    before = [parameter.detach().clone() for parameter in controller.parameters()]
    for _ in range(3):
        old = steps.searcher._baseline
        state = steps.generator.get_state()
        sample = controller.sample()
        steps.generator.set_state(state)
        error = float(steps.step())
        reward = 1 - error + 0.1 * float(sample.entropy.detach())
        wanted = reward if old is None else 0.5 * old + 0.5 * reward
        assert steps.searcher._baseline == pytest.approx(wanted)
    assert not all(map(torch.equal, before, controller.parameters()))


def test_a_step_leaves_the_supernet_alone():
    steps = Steps("enas", get_space(2))
    before = [weight.detach().clone() for weight in steps.supernet.parameters()]
    steps.step()
    assert all(map(torch.equal, before, steps.supernet.parameters()))
    assert all(weight.grad is None for weight in steps.supernet.parameters())


def test_a_step_changes_no_running_statistics():
    """As in the authors' code, the reward is of a network that is being evaluated."""
    steps = Steps("enas", get_space(2), supernet="paper")
    before = {name: values.clone() for name, values in steps.supernet.named_buffers()}
    steps.step()
    after = dict(steps.supernet.named_buffers())
    assert before
    assert all(torch.equal(values, after[name]) for name, values in before.items())
    assert steps.supernet.training


def test_ends_with_the_best_in_full_of_the_best_on_some_images():
    """On one batch many cells are equal: the first of them is not the best."""
    many = {"sampled_cells": 40, "ranked_batches": 2, "evaluated_cells": 8}
    steps = Steps("enas", get_space(1), batch_size=2, seed=4, **many)
    state = steps.generator.get_state()
    drawn = list(dict.fromkeys(steps.searcher._drawn() for _ in range(40)))
    steps.generator.set_state(state)
    evaluation = OneShotEvaluation(steps.supernet, steps.train, steps.valid, lambda x: x)
    found = steps.searcher.conclude(evaluation)

    quick = dict(zip(drawn, evaluation.errors(drawn, images=4), strict=True))
    best = sorted(drawn, key=quick.__getitem__)[:8]
    in_full = dict(zip(best, evaluation.errors(best), strict=True))
    assert found == min(best, key=in_full.__getitem__)
    assert in_full[found] < in_full[best[0]]


def test_the_controllers_optimizer_has_the_settings_of_the_authors_code():
    text = Steps("enas", get_space(1)).searcher._optimizer.param_groups[0]
    assert (text["betas"], text["eps"]) == ((0.9, 0.999), 1e-8)
    theirs = Steps("enas", get_space(1), controller_beta1=0, controller_epsilon=1e-3)
    code = theirs.searcher._optimizer.param_groups[0]
    assert (code["betas"], code["eps"]) == ((0, 0.999), 1e-3)


def test_ends_with_the_best_of_its_cells_on_one_batch():
    once = {"sampled_cells": 6, "ranked_batches": 1, "evaluated_cells": 1}
    steps = Steps("enas", get_space(1), batch_size=8, **once)
    state = steps.generator.get_state()
    drawn = [steps.searcher._drawn() for _ in range(6)]
    steps.generator.set_state(state)
    evaluation = OneShotEvaluation(steps.supernet, steps.train, steps.valid, lambda x: x)
    found = steps.searcher.conclude(evaluation)

    def error(architecture):
        logits = steps.supernet(steps.valid.images[:8], Encoding.discrete(architecture))
        return float((logits.argmax(1) != steps.valid.labels[:8]).sum())

    assert found in drawn
    assert error(found) == min(map(error, drawn))
