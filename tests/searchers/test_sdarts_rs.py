import pytest
import torch
from support.smooth_darts import authors_clip
from support.steps import Steps

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.sdarts_rs import projected


def test_shares_are_projected_as_the_authors_do():
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(20, 5, generator=generator)
    rows[3] = torch.tensor([-1.0, -0.2, -0.5, -0.3, -2.0])
    torch.testing.assert_close(projected(rows), authors_clip(rows), rtol=1e-6, atol=1e-6)
    assert torch.equal(projected(rows[3]), torch.tensor([0.0, 1, 0, 0, 0]))


def test_weights_see_uniform_noise_and_evaluation_none():
    steps = Steps("sdarts_rs", get_space("nasbench201"))
    searcher = steps.searcher
    searcher.begin_epoch(5, 10)
    state = steps.generator.get_state()
    noise = torch.rand(6, 5, generator=torch.Generator().set_state(state))
    (shares,) = searcher.own_shares()
    wanted = authors_clip(shares + searcher.radius * (2 * noise - 1))
    encoding = searcher.weights_encoding()
    found = torch.stack([torch.stack(list(row.values())) for row in encoding.weights])
    assert torch.allclose(found, wanted, atol=1e-6)
    assert not encoding.positive  # a share may be zero
    assert torch.equal(
        torch.stack(list(searcher.evaluation_encoding().weights[0].values())), shares[0]
    )


@pytest.mark.parametrize(("epoch", "radius"), [(0, 0.03), (50, 0.165), (99, 0.2973)])
def test_the_radius_grows_as_in_the_authors_code(epoch, radius):
    searcher = Steps("sdarts_rs", get_space(1)).searcher
    searcher.begin_epoch(epoch, 100)
    assert searcher.radius == pytest.approx(radius)


def test_alpha_descends_the_loss_of_the_mixture_itself():
    one, other = (Steps(name, get_space(1)) for name in ("sdarts_rs", "darts"))
    assert one.step() == other.step()
    for alpha, wanted in zip(one.searcher.alphas, other.searcher.alphas, strict=True):
        assert torch.equal(alpha, wanted)
