import numpy as np
import torch
from support.planted import Planted, seeds

from oneshot_hpo.hpo.baselines import make_optimizer, settings_class
from oneshot_hpo.hpo.baselines.optimizer import draw_levels


def test_logits_follow_the_gradient_that_torch_finds() -> None:
    planted = Planted(dimensions=3, values=4)
    planted.choices = (2, 4, 3)
    optimizer = make_optimizer(
        "reinforce", planted.problem(50), settings_class("reinforce")(), seeds(1)
    )
    logits = [torch.zeros(n, dtype=torch.float64, requires_grad=True) for n in planted.choices]
    average = weight = 0.0
    rng = np.random.default_rng(0)

    for _ in range(50):
        (drawn,) = optimizer.ask().configurations.tolist()
        probabilities = [torch.softmax(logit, 0).detach().numpy() for logit in logits]
        for mine, theirs in zip(optimizer._probabilities[0], probabilities, strict=True):
            np.testing.assert_allclose(mine[: len(theirs)], theirs, rtol=1e-12)
            assert not mine[len(theirs) :].any()

        loss = rng.random()
        optimizer.tell(np.array([loss]))
        average, weight = 0.9 * average + 0.1 * (1 - loss), 0.9 * weight + 0.1

        likelihood = sum(
            torch.log_softmax(logit, 0)[value] for logit, value in zip(logits, drawn, strict=True)
        )
        gradients = torch.autograd.grad((1 - loss - average / weight) * likelihood, logits)
        with torch.no_grad():
            for logit, gradient in zip(logits, gradients, strict=True):
                logit += 0.1 * gradient


def test_values_are_drawn_by_their_probabilities() -> None:
    probabilities = np.array([0.5, 0.0, 0.5, 0.0])
    uniform = np.array([0.0, 0.49, 0.5, 1 - 2**-53])
    np.testing.assert_array_equal(draw_levels(probabilities, uniform), [0, 0, 2, 2])
    short = np.array([0.1] * 10)  # its sum is below 1
    assert draw_levels(short, np.array([1 - 2**-53])) == [9]
