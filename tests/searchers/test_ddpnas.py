import numpy as np
import pytest
import torch
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.distribution import Categorical, remaining


def authors_update(theta, velocity, performance, pruned, gamma):
    """`CategoricalDDPNAS.update` of the authors' code, for one edge and one step a pruning."""
    powers = np.exp(performance * 100 - (performance * 100).max())
    velocity = gamma * velocity + (1 - gamma) * powers / powers.sum()
    theta = theta + velocity
    weight = theta.copy()
    weight[pruned] = np.nan
    return theta / theta.sum(), velocity, [*pruned, int(np.nanargmin(weight))]


def test_the_distribution_moves_and_is_pruned_as_in_the_authors_code():
    rng = np.random.default_rng(0)
    one = Categorical.uniform(5)
    theta, velocity, pruned = np.full(5, 0.2), np.zeros(5), []
    for kept in (4, 3, 2, 1):
        performance = np.where(np.isin(range(5), pruned), 0.0, rng.uniform(0.5, 0.53, 5))
        for option in np.flatnonzero(one.alive):
            one.record(option, performance[option])
        theta, velocity, pruned = authors_update(theta, velocity, performance, pruned, 0.9)
        one.learn(100.0, 0.9)
        one.prune(kept)
        assert np.allclose(one.theta, theta)
        assert np.allclose(one.velocity, velocity)
        assert set(np.flatnonzero(~one.alive)) == set(pruned)
    assert one.probabilities().max() == 1


def test_each_option_is_drawn_once_in_a_round_and_none_that_was_pruned():
    generator = torch.Generator().manual_seed(0)
    one = Categorical.uniform(4)
    one.theta[2] = 0.1
    assert sorted(one.next_option(generator) for _ in range(4)) == [0, 1, 2, 3]
    one.next_option(generator)
    one.prune(3)
    drawn = [one.next_option(generator) for _ in range(6)]
    assert sorted(drawn[:3]) == sorted(drawn[3:]) == [0, 1, 3]


@pytest.mark.parametrize("size", [2, 3, 5, 8, 10])
def test_time_is_shared_out_as_by_the_authors_rounds(size):
    """In as many epochs as the rounds with k, k - 1, ... 2 options have cells: k with k options."""
    epochs = sum(range(2, size + 1))
    left = [remaining(size, epoch, epochs) for epoch in range(epochs + 1)]
    assert left == [k for k in range(size, 1, -1) for _ in range(k)] + [1]
    assert remaining(size, 3 * epochs - 1, 3 * epochs) == 2


def test_a_cell_is_measured_on_validation_images_after_it_was_trained():
    steps = Steps("ddpnas", get_space(1))
    searcher = steps.searcher
    searcher.begin_epoch(0, 9)
    assert steps.step() is None  # nothing was trained
    encoding = searcher.weights_encoding()
    loss = steps.step()
    assert torch.allclose(loss, steps.loss(steps.valid, encoding))
    logits = steps.supernet(steps.valid.images, encoding)
    accuracy = float((logits.argmax(1) == steps.valid.labels).double().mean())
    distributions = list(searcher._all())
    assert [one.counts.sum() for one in distributions] == [1] * len(distributions)
    assert all(one.totals.sum() == pytest.approx(accuracy) for one in distributions)


@pytest.mark.parametrize("space", [1, "nasbench201", "darts"])
def test_a_search_ends_with_what_is_left(space):
    """What is rewarded is left, and is what the search ends with."""
    steps = Steps("ddpnas", get_space(space), stacks=2)
    searcher = steps.searcher
    for epoch in range(6):
        searcher.begin_epoch(epoch, 6)
        state = searcher.state_dict()
        searcher.begin_epoch(epoch, 6)  # as a search that is resumed within the epoch does
        assert searcher.state_dict() == state
        for _ in range(10):
            searcher.weights_encoding()
            for one, option in zip(searcher._all(), searcher._cell, strict=True):
                one.record(option, 0.9 if option == 1 else 0.1)
    for one in searcher._all():
        assert one.alive.sum() == remaining(len(one.theta), 5, 6) < len(one.theta)
    assert all(one.alive[1] for one in searcher._all())
    steps.space.check(searcher.architecture())
    if space != "darts":
        assert searcher.architecture().picks == tuple(
            choice.ways[0 if choice.is_settled else 1] for choice in steps.space.choices
        )


def test_the_warm_up_measures_and_prunes_nothing():
    steps = Steps("ddpnas", get_space(1), warmup_share=0.5)
    before = steps.searcher.state_dict()
    for epoch in range(5):
        steps.searcher.begin_epoch(epoch, 10)
        steps.searcher.weights_encoding()
        assert steps.searcher.state_dict() == before
    for epoch in range(5, 10):
        steps.searcher.begin_epoch(epoch, 10)
        left = {int(one.alive.sum()) for one in steps.searcher._all() if len(one.theta) == 3}
        assert left == {remaining(3, epoch - 5, 5)}
