import pytest
import torch
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.settings import SettingsError


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


def test_edges_of_the_space_of_darts_are_normalised_by_beta():
    """A node's weights sum to 1; what is found weighs operations by their edge."""
    space = get_space("darts")
    searcher = Steps("pc_darts", space, channels=8, stacks=2).searcher
    for weights in searcher.mixture().weights:
        assert float(sum(weights.values()).detach()) == pytest.approx(1, rel=1e-5)
    with torch.no_grad():
        searcher.betas[3][:] = torch.tensor([0.0, 9.0, 0.0, 9.0, 0.0])
    pick = searcher.architecture().picks[3]
    assert [space.edge(place)[0] for place in pick] == [1, 3]


def test_nas_bench_201_has_partial_channels_alone():
    """Its edges are all kept, so that there is nothing for a beta to choose."""
    searcher = Steps("pc_darts", get_space("nasbench201"), channels=8).searcher
    assert not searcher.betas
    assert [tuple(alpha.shape) for alpha in searcher.alphas] == [(6, 5)]
