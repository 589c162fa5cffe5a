"""REINFORCE for controllers: whether they learn what is rewarded."""

from collections.abc import Callable

import torch

from oneshot_hpo.searchers.controller import Controller, Sample

Reward = Callable[[Sample], float]


def train(
    controller: Controller, reward: Reward, *, steps: int, learning_rate: float, baseline: float
) -> None:
    """One sample a step; the baseline is a moving average of the rewards."""
    optimizer = torch.optim.Adam(controller.parameters(), lr=learning_rate)
    for _ in range(steps):
        sample = controller.sample()
        baseline = 0.9 * baseline + 0.1 * reward(sample)
        optimizer.zero_grad()
        (-(reward(sample) - baseline) * sample.log_probability).backward()
        optimizer.step()


@torch.no_grad()
def mean_reward(controller: Controller, reward: Reward, samples: int) -> float:
    """The mean reward of samples of a controller."""
    return sum(reward(controller.sample()) for _ in range(samples)) / samples
