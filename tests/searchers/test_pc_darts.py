import pytest
import torch
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.settings import SettingsError


@pytest.mark.parametrize(("epochs", "warm"), [(50, 15), (10, 3), (4, 2), (2, 1), (1, 0)])
def test_alpha_is_frozen_in_the_first_epochs_only(epochs, warm):
    """Fifteen of fifty, as in the paper, and never in all."""
    steps = Steps("pc_darts", get_space(1))
    frozen = []
    for epoch in range(epochs):
        steps.searcher.begin_epoch(epoch, epochs)
        alpha = steps.searcher.alphas[0].detach().clone()
        if steps.step() is None:
            assert torch.equal(alpha, steps.searcher.alphas[0])
            frozen.append(epoch)
        else:
            assert not torch.equal(alpha, steps.searcher.alphas[0])
    assert frozen == list(range(warm))


def test_operations_see_one_channel_of_k():
    supernet = Steps("pc_darts", get_space(1), channels=8).supernet
    assert supernet.cells[0].conv3x3.shape == (4, 2, 2, 3, 3)
    supernet = Steps("pc_darts", get_space(1), channels=8, partial_channels=2).supernet
    assert supernet.cells[0].conv1x1.shape == (4, 4, 4, 1, 1)


def test_k_divides_the_channels():
    with pytest.raises(
        SettingsError, match=r"partial_channels must be a divisor of .* \(6\), not 4"
    ):
        Steps("pc_darts", get_space(1), channels=6)
