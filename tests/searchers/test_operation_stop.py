"""OLES: which weights belong to an operation, how gradients are matched, and what stays still."""

import dataclasses

import pytest
import torch
from support.steps import Steps
from support.tiny_searches import TINY, search
from torch.nn import functional as F

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.operation_stop import OperationStop
from oneshot_hpo.searchers.records import SearchStopped
from oneshot_hpo.searchers.search_loop import Search

SIZES = {1: 2 * 2 * 4, "nasbench201": 2 * 2 * 6, "darts": 2 * 14 * 4 + 8}
"""Operations with weights of two cells: two of each block or edge; in `darts` four convolutions an
edge, and the skips of the eight edges that halve the image."""


def make(space, **settings):
    size = {"stacks": 2, "channels": 8 if space == "darts" else 4}
    return Steps("darts", get_space(space), **(size | {"early_stop": "operations"} | settings))


@pytest.mark.parametrize("space", SIZES)
def test_weights_of_one_operation_are_one_unit(space):
    steps = make(space)
    units = steps.supernet.operation_units()
    numbers = {int(number) for unit in units.values() for number in unit.unique()}
    assert numbers == set(range(SIZES[space]))
    parameters = dict(steps.supernet.named_parameters())
    for name, unit in units.items():
        assert torch.broadcast_shapes(unit.shape, parameters[name].shape) == parameters[name].shape
    others = parameters.keys() - units.keys()
    assert all("projection" in n or "inputs" in n or "cells" not in n.split(".") for n in others)


def gradients(steps, number):
    """On training and validation images, of the weights of the operation with this number."""
    found = []
    for batch in (steps.train, steps.valid):
        loss = steps.loss(batch, steps.searcher.weights_encoding())
        weights = dict(steps.supernet.named_parameters())
        slopes = dict(
            zip(
                weights,
                torch.autograd.grad(
                    loss, list(weights.values()), materialize_grads=True, allow_unused=True
                ),
                strict=True,
            )
        )
        parts = [
            slopes[name][(unit == number).expand_as(slopes[name])]
            for name, unit in steps.supernet.operation_units().items()
        ]
        found.append(torch.cat(parts))
    return found


@pytest.mark.parametrize("space", [1, "nasbench201"])
def test_the_match_is_the_cosine_of_both_gradients_of_an_operation(space):
    steps = make(space)
    cosines = torch.stack([F.cosine_similarity(*gradients(steps, n), dim=0) for n in range(6)])
    middle = float(cosines.sort().values[2:4].mean())
    loss = steps.loss(steps.valid, steps.searcher.weights_encoding())
    valid = torch.autograd.grad(
        loss, list(steps.supernet.parameters()), materialize_grads=True, allow_unused=True
    )
    steps.loss(steps.train, steps.searcher.weights_encoding()).backward()
    stop = OperationStop(steps.supernet, middle, steps=2)
    stop.compare(valid)
    assert not stop.frozen.any()  # a mean over two steps
    assert torch.allclose(stop._sums[:6], cosines, atol=1e-5)
    stop.compare(valid)
    assert stop.frozen[:6].tolist() == (cosines < middle).tolist()
    assert stop.frozen[:6].any()
    assert not stop.frozen[:6].all()
    assert not stop._sums.any()  # the next mean begins


def test_stopped_operations_stay_and_others_move():
    steps = make(1)
    stop = OperationStop(steps.supernet, 0.0, steps=1)
    stop.frozen[3] = True  # conv 1x1 of the second block of the first cell
    steps.train_weights()  # so that there is momentum
    before = {name: value.detach().clone() for name, value in steps.supernet.named_parameters()}
    steps.weights.zero_grad()
    steps.loss(steps.train, steps.searcher.weights_encoding()).backward()
    stop.step(steps.weights)
    after = dict(steps.supernet.named_parameters())
    assert torch.equal(before["cells.0.conv1x1"][1], after["cells.0.conv1x1"][1])
    assert torch.equal(before["cells.0.norm.shift"][1, 1], after["cells.0.norm.shift"][1, 1])
    assert not torch.equal(before["cells.0.conv1x1"][0], after["cells.0.conv1x1"][0])
    assert not torch.equal(before["cells.0.conv3x3"][1], after["cells.0.conv3x3"][1])
    assert not torch.equal(before["cells.0.norm.shift"][1, 0], after["cells.0.norm.shift"][1, 0])
    assert stop.share == 1 / 16


STOPPING = dataclasses.replace(TINY, early_stop="operations", stop_steps=2, stop_match=0.4)


@pytest.mark.slow
def test_a_search_stops_operations_and_never_starts_them_again(few_digits):
    shares = [
        r.diagnosis.frozen for r in search(few_digits, settings=STOPPING, epochs=4).trajectory
    ]
    assert shares == sorted(shares)
    assert 0 < shares[-1] <= 1
    all_of_them = dataclasses.replace(STOPPING, stop_match=1.0)
    records = search(few_digits, settings=all_of_them, epochs=2).trajectory
    assert records[-1].diagnosis.frozen == 1
    none = dataclasses.replace(STOPPING, stop_match=-1.0)
    plain = search(few_digits, epochs=2)
    found = search(few_digits, settings=none, epochs=2)
    assert [r.valid_loss for r in found.trajectory] == [r.valid_loss for r in plain.trajectory]


@pytest.mark.slow
def test_a_stopped_search_continues_with_the_operations_that_it_stopped(few_digits, tmp_path):
    whole = search(few_digits, settings=STOPPING)
    asked = []
    with pytest.raises(SearchStopped):
        search(
            few_digits,
            settings=STOPPING,
            folder=tmp_path,
            stop_asked=lambda: len(asked) > 3 or asked.append(1),
        )
    assert search(few_digits, settings=STOPPING, folder=tmp_path) == whole


def test_a_supernet_that_does_not_name_its_operations_is_refused(few_digits, monkeypatch):
    from oneshot_hpo.searchers.network.nasbench101.supernet import Supernet
    from oneshot_hpo.searchers.network.one_shot import OneShotNetwork
    from oneshot_hpo.searchers.settings import SettingsError

    monkeypatch.setattr(Supernet, "operation_units", OneShotNetwork.operation_units)
    with pytest.raises(SettingsError, match="does not say which weights belong"):
        Search("darts", STOPPING, get_space(1), few_digits, 1, 0, torch.device("cpu"))
