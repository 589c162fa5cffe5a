import pytest

from oneshot_hpo.searchers.registry import SEARCHERS, settings_class
from oneshot_hpo.searchers.schedules import (
    REFERENCE_STEPS,
    architecture_rate,
    cosine_learning_rate,
    steps_of_epoch,
    warms_up,
)
from oneshot_hpo.searchers.settings import SearchSettings


@pytest.mark.parametrize(("epochs", "warm"), [(50, 15), (10, 3), (4, 2), (2, 1), (1, 0)])
def test_the_warm_up_is_the_first_epochs_and_never_all(epochs, warm):
    """Fifteen of fifty, as in the paper of PC-DARTS."""
    settings = settings_class("pc_darts")()
    warming_up = [warms_up(settings, epoch, epochs) for epoch in range(epochs)]
    assert warming_up == [epoch < warm for epoch in range(epochs)]


@pytest.mark.parametrize("name", SEARCHERS)
def test_in_a_search_of_the_papers_length_the_scaled_rate_is_the_default(name):
    kind = settings_class(name)
    settings = kind(arch_learning_rate="scaled", warmup_share=0)
    assert 50 * steps_of_epoch(25_000, 96) == REFERENCE_STEPS
    assert architecture_rate(settings, 25_000, 50) == kind().arch_learning_rate


def test_a_shorter_search_has_a_larger_rate_over_the_steps_that_it_makes():
    settings = settings_class("darts")(arch_learning_rate="scaled", batch_size=50)
    steps = 12 * 10  # twelve epochs of 539 images
    assert architecture_rate(settings, 539, 12) * steps == pytest.approx(3e-4 * REFERENCE_STEPS)
    half = settings.with_config({"train_share": 0.5})
    assert architecture_rate(half, 539, 12) == pytest.approx(3e-4 * REFERENCE_STEPS / (12 * 5))
    warm = settings.with_config({"warmup_share": 0.25})
    assert architecture_rate(warm, 539, 12) == pytest.approx(3e-4 * REFERENCE_STEPS / (9 * 10))


def test_a_number_is_taken_as_it_is():
    settings = settings_class("gdas")(arch_learning_rate=0.02)
    assert architecture_rate(settings, 539, 12) == 0.02


def test_the_learning_rate_never_rises():
    settings = SearchSettings(learning_rate=5e-4, learning_rate_min=1e-3)
    assert cosine_learning_rate(settings, 3, 10) == 5e-4
