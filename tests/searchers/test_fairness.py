from collections import Counter

import numpy as np
import pytest
import torch
from support.steps import Steps
from torch.nn import functional as F

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.search_spaces.choices import OPERATION
from oneshot_hpo.search_spaces.pruned import PrunedSpace
from oneshot_hpo.searchers import SettingsError
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.fairness import fair_paths, paths_a_step
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.search_loop import Search

SPACES = [1, 2, 3, "nasbench201", "darts"]
PATHS = {1: 3, 2: 3, 3: 3, "nasbench201": 5, "darts": 18}


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def uses(space, paths, place):
    """In how many paths each candidate of a choice is that may be picked."""
    choice = space.choices[place]
    counts = Counter(candidate for path in paths for candidate in path.picks[place])
    allowed = [c for c in range(len(choice.candidates)) if c not in choice.barred]
    assert set(counts) <= set(allowed)
    return [counts[candidate] for candidate in allowed]


@pytest.mark.parametrize("number", SPACES)
def test_a_step_uses_the_candidates_of_each_choice_equally_often(number):
    space = get_space(number)
    for seed in range(20):
        paths = fair_paths(space, generator(seed))
        assert len(paths) == paths_a_step(space) == PATHS[number]
        for path in paths:
            space.check(path)
        for place, choice in enumerate(space.choices):
            counts = uses(space, paths, place)
            assert max(counts) - min(counts) <= 1
            if choice.k * len(paths) % len(counts) == 0:
                assert len(set(counts)) == 1


@pytest.mark.parametrize("number", [1, 2, 3, "nasbench201"])
def test_each_operation_is_in_exactly_one_path(number):
    """Strict fairness as the paper has it: p(Y_1 = ... = Y_m = 1) = 1."""
    space = get_space(number)
    paths = fair_paths(space, generator())
    operations = [p for p, choice in enumerate(space.choices) if choice.kind == OPERATION]
    assert all(set(uses(space, paths, place)) == {1} for place in operations)


def test_paths_are_uniform_over_steps():
    """Every pair of operations of two blocks is as likely as any other."""
    space, drawn = get_space(1), generator()
    first, second = [p for p, c in enumerate(space.choices) if c.kind == OPERATION][:2]
    pairs = Counter(
        (path.picks[first], path.picks[second])
        for _ in range(600)
        for path in fair_paths(space, drawn)
    )
    assert len(pairs) == 9
    counts = np.array(list(pairs.values()))
    expected = counts.sum() / 9
    assert ((counts - expected) ** 2 / expected).sum() < 26.1  # chi square, 8 degrees, p = 0.001


def test_a_part_of_a_space_is_refused():
    space = PrunedSpace(get_space(1), np.arange(10))
    with pytest.raises(SettingsError, match="fairness must be expectation for a part"):
        Steps("random_ws", space, fairness="strict")


def test_a_step_adds_up_the_gradients_of_its_paths(few_digits):
    """Algorithm 1: every path sees the same batch, and the weights move once."""
    settings = Steps("single_path", get_space(1), fairness="strict", batch_size=24).settings
    search = Search("single_path", settings, get_space(1), few_digits, 2, 0, torch.device("cpu"))
    supernet, drawn = search.supernet, generator()
    drawn.set_state(search._generators["searcher"].get_state())
    images = torch.tensor(few_digits.supernet_train.images[:24])
    batch = Batch(images, torch.tensor(few_digits.supernet_train.labels[:24]))
    augmented = search._augmented(batch).images

    paths = fair_paths(get_space(1), drawn)
    losses = []
    supernet.zero_grad()
    for path in paths:
        loss = F.cross_entropy(supernet(augmented, Encoding.discrete(path)), batch.labels)
        loss.backward()
        losses.append(loss.item())
    wanted = [weight.grad.clone() for weight in supernet.parameters()]
    norm = torch.linalg.vector_norm(torch.stack([grad.norm() for grad in wanted]))
    factor = min(1.0, settings.grad_clip / (float(norm) + 1e-6))

    loss, *_ = search.step(batch, batch).tolist()
    assert len(paths) == 3
    assert loss == pytest.approx(np.mean(losses), rel=1e-5)
    for weight, grad in zip(supernet.parameters(), wanted, strict=True):
        assert torch.allclose(weight.grad, factor * grad, atol=1e-6)
