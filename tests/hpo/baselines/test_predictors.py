"""Weak predictors and PNAS's predictor: what they fit, and what they choose by it."""

import numpy as np
import pytest
import torch
from scipy import stats
from support.planted import Planted, run, seeds

from oneshot_hpo.hpo.baselines import make_optimizer, settings_class
from oneshot_hpo.hpo.baselines.architectures import Unseen
from oneshot_hpo.hpo.baselines.perceptron import Ensemble

PLANTED = Planted(dimensions=4, values=4)
QUICK = {"startup": 10, "batch": 5, "width": 16}


@pytest.mark.parametrize("method", ["weak", "pnas"])
def test_nothing_is_evaluated_twice_before_everything_is_evaluated(method: str) -> None:
    few = Planted(dimensions=2, values=4)
    quick = {"layers": 1, "epochs": 5} if method == "weak" else {"steps": 5}
    proposed, *_ = run(method, few, 20, seeds(2), **QUICK, **quick)
    for configurations in proposed:
        assert len(np.unique(configurations[:16], axis=0)) == 16


@pytest.mark.parametrize("predictor", ["mlp", "forest"])
def test_weak_predictors_choose_as_the_authors_code(predictor: str) -> None:
    settings = settings_class("weak")(**QUICK, top=8, predictor=predictor, trees=20, layers=1)
    optimizer = make_optimizer("weak", PLANTED.problem(60), settings, seeds(1))
    architectures = optimizer._architectures
    rng = np.random.default_rng(0)
    evaluated = rng.permutation(256)[:30]
    losses = PLANTED.losses(architectures.values(evaluated), 25)
    predicted = optimizer._predicted(evaluated, losses, rng)
    assert stats.spearmanr(predicted[evaluated], losses).statistic > 0.9

    unseen = Unseen(architectures, rng)
    order = np.argsort(predicted)
    for architecture in order[:3]:
        unseen.take(int(architecture))
    batches = {tuple(sorted(optimizer._chosen(order, unseen, rng))) for _ in range(40)}
    # five of the eight best are left: the batch
    assert batches == {tuple(sorted(order[3:8].tolist()))}
    unseen.take(int(order[3]))
    # fewer are: the best that are left, in their order
    assert optimizer._chosen(order, unseen, rng) == order[4:9].tolist()
    settings = settings_class("weak")(**QUICK, top=100)
    optimizer = make_optimizer("weak", PLANTED.problem(60), settings, seeds(1))
    drawn = [set(optimizer._chosen(order, unseen, rng)) for _ in range(40)]
    assert len(set().union(*drawn)) > 60 and set().union(*drawn) <= set(order[4:100].tolist())


def test_pnas_takes_the_best_predicted_and_ranks_what_it_has_not_seen() -> None:
    settings = settings_class("pnas")(startup=60, batch=7, width=16)
    optimizer = make_optimizer("pnas", PLANTED.problem(100), settings, seeds(1))
    rng = np.random.default_rng(0)
    evaluated = rng.permutation(256)[:60]
    losses = PLANTED.losses(optimizer._architectures.values(evaluated), 25)
    predicted = optimizer._predicted(evaluated, losses, rng)
    others = np.setdiff1d(np.arange(256), evaluated)
    truth = PLANTED.losses(optimizer._architectures.values(others), 25)
    assert stats.spearmanr(predicted[others], truth).statistic > 0.8
    unseen, order = Unseen(optimizer._architectures, rng), np.argsort(predicted)
    unseen.take(int(order[2]))
    chosen = optimizer._chosen(order, unseen, rng)
    assert chosen == [*order[:2].tolist(), *order[3:8].tolist()]


def test_gradients_of_the_ensemble_are_those_that_torch_finds() -> None:
    choices = (2, 4, 3)
    rng = np.random.default_rng(1)
    ensemble = Ensemble(choices, members=3, width=5, rng=rng)
    values = rng.integers(choices, size=(9, 3))
    wanted = rng.random((9, 1), np.float32)
    share = ensemble._shares(9)
    np.testing.assert_allclose(share.sum(1), 1, rtol=1e-6)
    assert ((share == 0).sum(axis=0) == 1).all()  # each example is kept from one member

    weights = [torch.tensor(w, requires_grad=True) for w in ensemble._weights]
    table, w1, b1, w2, b2, w3, b3 = weights
    rows = torch.from_numpy(values + np.array([0, 2, 6]))
    embedded = table[:, rows].reshape(3, 9, -1)
    hidden = torch.relu(torch.relu(embedded @ w1 + b1) @ w2 + b2)
    output = torch.sigmoid(hidden @ w3 + b3)
    loss = (torch.from_numpy(share) * (output - torch.from_numpy(wanted)).abs()).sum()
    for ours, theirs in zip(
        ensemble.gradients(values, wanted, share), torch.autograd.grad(loss, weights), strict=True
    ):
        np.testing.assert_allclose(ours, theirs.numpy(), rtol=1e-4, atol=1e-7)
    mean = output.mean(0)[:, 0].detach().numpy()
    np.testing.assert_allclose(ensemble.predict(values), mean, rtol=1e-5)
