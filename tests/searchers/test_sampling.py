import torch

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.sampling import draw, gumbel, uniform_architecture


def test_draws_without_replacement_follow_the_softmax():
    generator = torch.Generator().manual_seed(0)
    chances = torch.tensor([0.5, 0.3, 0.2])
    draws = [tuple(draw(chances.log(), 2, generator)) for _ in range(4000)]
    for first in range(3):
        assert abs(sum(d[0] == first for d in draws) / 4000 - chances[first]) < 0.03
    after_first = [d[1] for d in draws if d[0] == 0]
    assert abs(after_first.count(1) / len(after_first) - 0.6) < 0.04
    assert all(len(set(d)) == 2 for d in draws)


def test_numbers_that_are_not_finite_give_some_draw():
    generator = torch.Generator().manual_seed(0)
    assert sorted(draw(torch.tensor([float("nan")] * 3), 3, generator)) == [0, 1, 2]
    assert draw(torch.tensor([0.0, float("inf")]), 1, generator) == [1]


def test_gumbel_noise_has_its_mean_and_deviation():
    noise = gumbel((20000,), torch.Generator().manual_seed(0))
    assert abs(float(noise.mean()) - 0.5772) < 0.03
    assert abs(float(noise.std()) - 1.2825) < 0.03


def test_architectures_are_drawn_from_the_whole_space():
    generator, space = torch.Generator().manual_seed(0), get_space(1)
    drawn = {space.configuration(uniform_architecture(space, generator)) for _ in range(500)}
    assert len(drawn) > 480
    assert min(drawn) < space.num_configurations / 20
    assert max(drawn) > space.num_configurations * 19 / 20
