import numpy as np
import pytest
import torch
from support.steps import Steps
from torch.nn import functional as F

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.evaluation import OneShotEvaluation
from oneshot_hpo.searchers.network.encoding import Encoding

SPACE = get_space(1)


@pytest.fixture
def steps():
    return Steps("random_ws", SPACE)


def evaluation_of(steps):
    return OneShotEvaluation(steps.supernet, steps.train, steps.valid, lambda x: 2 * x)


def drawn(count):
    rng = np.random.default_rng(0)
    return [SPACE.sample(rng) for _ in range(count)]


@torch.no_grad()
def error(supernet, batch, architecture):
    logits = supernet(2 * batch.images, Encoding.discrete(architecture))
    return float((logits.argmax(1) != batch.labels).float().mean())


def test_errors_are_those_of_the_normalised_images(steps):
    architectures = drawn(5)
    wanted = [error(steps.supernet, steps.valid, one) for one in architectures]
    assert evaluation_of(steps).errors(architectures) == pytest.approx(wanted)
    assert len(set(wanted)) > 1
    some = [error(steps.supernet, steps.valid.first(7), one) for one in architectures]
    assert evaluation_of(steps).errors(architectures, images=7) == pytest.approx(some)


def test_loss_and_error_are_means_over_all_images(steps):
    (architecture,) = drawn(1)
    loss, share = evaluation_of(steps).loss_and_error(Encoding.discrete(architecture))
    logits = steps.supernet(2 * steps.valid.images, Encoding.discrete(architecture))
    wanted = F.cross_entropy(logits, steps.valid.labels)
    assert loss == pytest.approx(float(wanted.detach()), rel=1e-5)
    assert share == pytest.approx(error(steps.supernet, steps.valid, architecture))


def test_recalibrated_statistics_are_the_training_images(steps):
    """And the search's own supernet is left without statistics, as it was."""
    architectures = drawn(4)
    found = evaluation_of(steps).errors(architectures, recalibration_images=12)
    assert not list(steps.supernet.buffers())
    wanted = []
    for architecture in architectures:
        steps.supernet.keep_statistics(1.0)
        with torch.no_grad():
            steps.supernet.train()
            steps.supernet(2 * steps.train.images[:12], Encoding.discrete(architecture))
        steps.supernet.eval()
        wanted.append(error(steps.supernet, steps.valid, architecture))
    assert found == pytest.approx(wanted)
    assert len(set(wanted)) > 1


def test_training_continues_in_training_mode(steps):
    evaluation_of(steps).errors(drawn(1))
    assert steps.supernet.training
