import copy

import numpy as np
import pytest
import torch
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.data.batches import Batch
from oneshot_hpo.searchers.network.encoding import Encoding
from oneshot_hpo.searchers.network.nasbench101 import many_cells
from oneshot_hpo.searchers.network.one_shot import OneShotNetwork


def drawn(space, count):
    rng = np.random.default_rng(0)
    return [space.sample(rng) for _ in range(count)]


def batches(steps):
    """Two batches of different sizes."""
    return [steps.valid, Batch(steps.train.images[:13], steps.train.labels[:13])]


def one_by_one(supernet, architectures, images, calibration=None):
    """The same from the supernet's own forward pass."""
    found = []
    for architecture in architectures:
        encoding = Encoding.discrete(architecture)
        if calibration is not None:
            supernet.keep_statistics(1.0)
            supernet.train()
            supernet(calibration, encoding)
        supernet.eval()
        wrong = [(supernet(b.images, encoding).argmax(1) != b.labels).sum() for b in images]
        found.append(float(sum(wrong)))
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "space", "settings"),
    [
        ("random_ws", 1, {"stacks": 3}),
        ("random_ws", 2, {"stacks": 2, "cells_per_stack": 2}),
        ("random_ws", 3, {}),
        ("pc_darts", 1, {"stacks": 2}),
        ("random_ws", 1, {"stacks": 2, "supernet": "paper"}),
    ],
)
@torch.no_grad()
def test_the_labels_are_those_of_a_forward_pass_of_each_cell(name, space, settings):
    steps = Steps(name, get_space(space), **settings)
    supernet = steps.supernet
    supernet.eval()
    architectures = drawn(steps.space, 12)
    wanted = one_by_one(supernet, architectures, batches(steps))
    assert many_cells.wrong_labels(supernet, architectures, batches(steps)).tolist() == wanted
    assert len(set(wanted)) > 1
    calibration = steps.train.images[:15]
    kept = copy.deepcopy(supernet)
    kept.keep_statistics(1.0)
    found = many_cells.wrong_labels(kept, architectures, batches(steps), calibration).tolist()
    wanted = one_by_one(supernet, architectures, batches(steps), calibration)
    assert found == wanted
    assert len(set(wanted)) > 1


def test_what_is_forgotten_for_want_of_memory_is_computed_again(monkeypatch):
    steps = Steps("random_ws", get_space(1), stacks=2)
    steps.supernet.eval()
    architectures = drawn(steps.space, 20)
    wanted = many_cells.wrong_labels(steps.supernet, architectures, batches(steps)).tolist()
    monkeypatch.setattr(many_cells, "_MEMORY", 1)
    found = many_cells.wrong_labels(steps.supernet, architectures, batches(steps)).tolist()
    assert found == wanted


@pytest.mark.parametrize("calibrates", [False, True])
def test_the_numbers_are_those_of_one_forward_pass_each(calibrates):
    """Which is what a network of any other space does."""
    space = get_space(2)
    steps = Steps("random_ws", space)
    architectures = [space.architecture(number) for number in range(0, 24_000, 3001)]
    supernet, calibration = steps.supernet, None
    if calibrates:
        supernet.keep_statistics(momentum=1.0)
        calibration = steps.train.images
    supernet.eval()
    found = supernet.wrong_labels(architectures, batches(steps), calibration)
    plain = OneShotNetwork.wrong_labels(supernet, architectures, batches(steps), calibration)
    assert found.tolist() == plain.tolist()
