import numpy as np
import pytest

from oneshot_hpo.hpo.shrinkage import SeedNoise, Shrinkage, shrink


def single(losses: np.ndarray, noise: float) -> Shrinkage:
    return shrink(losses, np.ones(len(losses), np.int64), SeedNoise(noise))


def test_a_lucky_loss_is_shrunk_and_keeps_its_rank() -> None:
    losses = np.random.default_rng(0).normal(0.1, 0.01, 30)
    shrunk = single(losses, 0.01)
    best = losses.argmin()
    assert shrunk.posterior_means[best] > losses[best] + 0.005
    order = np.argsort(losses)
    assert (np.diff(shrunk.posterior_means[order]) > 0).all()


def test_without_noise_worth_mention_nothing_is_shrunk() -> None:
    losses = np.linspace(0.1, 0.4, 20)
    shrunk = single(losses, 1e-5)
    assert shrunk.posterior_means == pytest.approx(losses, abs=2e-5)
    assert shrunk.probability_below(0, 10) == pytest.approx(1)


def test_more_evaluations_are_shrunk_less() -> None:
    losses = np.random.default_rng(1).normal(0.1, 0.01, 30)
    losses[:2] = 0.07
    repeats = np.ones(30, np.int64)
    repeats[0] = 10
    shrunk = shrink(losses, repeats, SeedNoise(0.01))
    assert shrunk.posterior_means[0] < shrunk.posterior_means[1]


def test_probabilities_of_a_pair_add_up() -> None:
    shrunk = single(np.random.default_rng(2).gamma(2, 0.01, 25), 0.01)
    one, two = shrunk.probability_below(3, 8), shrunk.probability_below(8, 3)
    assert one + two == pytest.approx(1)


def test_a_loss_out_of_reach_is_surely_worse() -> None:
    losses = np.append(np.random.default_rng(3).normal(0.1, 0.01, 20), 0.9)
    shrunk = single(losses, 0.01)
    assert shrunk.posterior_means[-1] == 0.9
    assert shrunk.probability_below(int(losses.argmin()), 20) == pytest.approx(1)


def test_an_uncertain_noise_makes_probabilities_less_sure() -> None:
    losses = np.random.default_rng(6).normal(0.1, 0.03, 20)
    best, worst = int(losses.argmin()), int(losses.argmax())
    ones = np.ones(20, np.int64)
    sure = shrink(losses, ones, SeedNoise(0.02)).probability_below(best, worst)
    unsure = shrink(losses, ones, SeedNoise(0.02, 0.5)).probability_below(best, worst)
    assert 0.5 < unsure < sure


def test_the_unit_does_not_matter() -> None:
    losses = np.random.default_rng(4).gamma(2, 0.01, 25)
    in_percent = single(100 * losses + 7, 1.0)
    assert in_percent.posterior_means == pytest.approx(
        100 * single(losses, 0.01).posterior_means + 7
    )


@pytest.mark.slow
@pytest.mark.parametrize("spread", [0.3, 3.0])
def test_posterior_means_are_right_on_average(spread: float) -> None:
    """Of 15 studies, with configurations that differ by less, or by more, than the noise."""
    rng = np.random.default_rng(5)
    naive, shrunk = [], []
    for _ in range(15):
        true = spread * rng.gamma(2, 0.7, 40)
        losses = true + rng.standard_normal(40)
        best = losses.argmin()
        naive.append(losses[best] - true[best])
        shrunk.append(single(losses, 1.0).posterior_means[best] - true[best])
    assert np.mean(naive) < -0.8
    assert abs(np.mean(shrunk)) < 3 * np.std(shrunk) / np.sqrt(15)
    assert abs(np.mean(shrunk)) < 0.5
