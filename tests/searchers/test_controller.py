import itertools
import math

import pytest
import torch
from support.reinforce import mean_reward, train

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.controller import _successive, controller_of


@pytest.mark.parametrize("number", [1, 2, 3])
def test_draws_architectures_of_the_space(number):
    space = get_space(number)
    controller = controller_of(space, torch.Generator().manual_seed(0))
    drawn = {space.configuration(controller.sample().architecture) for _ in range(60)}
    assert len(drawn) > 50


@pytest.mark.parametrize("count", [1, 2, 3])
def test_chances_of_all_draws_sum_to_one_and_entropy_is_theirs(count):
    logits = torch.tensor([0.3, -1.0, 0.8, 0.1], dtype=torch.float64)
    draws = list(itertools.permutations(range(4), count))
    parts = [_successive(logits, list(drawn)) for drawn in draws]
    chances = torch.stack([log_probability for log_probability, _ in parts]).exp()
    assert float(chances.sum()) == pytest.approx(1)
    surprise = -(chances * chances.log()).sum()
    mean_entropy = sum(
        chance * entropy for chance, (_, entropy) in zip(chances, parts, strict=True)
    )
    assert float(mean_entropy) == pytest.approx(float(surprise))


@pytest.mark.slow
@pytest.mark.parametrize("name", ["nasbench201", "darts"])
def test_draws_what_the_space_allows(name):
    space = get_space(name)
    controller = controller_of(space, torch.Generator().manual_seed(0))
    drawn = [controller.sample() for _ in range(60)]
    for sample in drawn:
        space.check(sample.architecture)
    assert len({sample.architecture for sample in drawn}) > 50


def test_the_chance_of_groups_and_operations_is_that_of_all_decisions():
    """A node of two sources takes both; its log probability is that of two operations."""
    space = get_space("darts")
    controller = controller_of(space, torch.Generator().manual_seed(0))
    with torch.no_grad():
        for decision in controller.decisions:
            decision.weight.zero_()  # all options are equally likely
        sample = controller.sample()
    pairs = [math.comb(sources, 2) for sources in (2, 3, 4, 5)]
    orders = math.prod(2 * pair for pair in pairs) ** 2  # groups are drawn one after the other
    operations = 7**16  # `none` is never drawn
    chance = -math.log(orders * operations)
    assert float(sample.log_probability) == pytest.approx(chance, rel=1e-5)
    assert float(sample.entropy) == pytest.approx(-chance, rel=1e-5)


@pytest.mark.slow
def test_learns_an_operation_of_a_space_with_groups():
    space = get_space("darts")
    controller = controller_of(space, torch.Generator().manual_seed(0))

    def skips(sample):
        names = [name for name, _ in space.to_document(sample.architecture)["normal"]]
        return names.count("skip_connect") / 8

    before = mean_reward(controller, skips, 60)
    train(controller, skips, steps=60, learning_rate=0.05, baseline=before)
    assert mean_reward(controller, skips, 60) > before + 0.2


@pytest.mark.slow
def test_learns_what_is_rewarded():
    """REINFORCE with the number of 1 x 1 convolutions and of edges from the input as reward."""
    space = get_space(1)
    controller = controller_of(space, torch.Generator().manual_seed(0))

    def reward(sample):
        architecture = sample.architecture
        wanted = sum(name == "conv1x1-bn-relu" for name in space.operation_names(architecture))
        return (wanted + sum(0 in sources for sources in space.parents(architecture))) / 9

    before = mean_reward(controller, reward, 100)
    train(controller, reward, steps=150, learning_rate=0.02, baseline=before)
    assert mean_reward(controller, reward, 100) > before + 0.15
