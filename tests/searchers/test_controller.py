import itertools

import pytest
import torch

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
def test_learns_what_is_rewarded():
    """REINFORCE with the number of 1 x 1 convolutions and of edges from the input as reward."""
    space = get_space(1)
    controller = controller_of(space, torch.Generator().manual_seed(0))
    optimizer = torch.optim.Adam(controller.parameters(), lr=0.02)

    def reward(sample):
        architecture = sample.architecture
        wanted = sum(name == "conv1x1-bn-relu" for name in space.operation_names(architecture))
        return (wanted + sum(0 in sources for sources in space.parents(architecture))) / 9

    def mean_reward():
        with torch.no_grad():
            return sum(reward(controller.sample()) for _ in range(100)) / 100

    before = baseline = mean_reward()
    for _ in range(150):
        sample = controller.sample()
        baseline = 0.9 * baseline + 0.1 * reward(sample)
        optimizer.zero_grad()
        (-(reward(sample) - baseline) * sample.log_probability).backward()
        optimizer.step()
    assert mean_reward() > before + 0.15
