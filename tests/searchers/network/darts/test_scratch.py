import numpy as np
import pytest
import torch
from support.plain_darts import InferCell, Network, copy_network

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.network.scratch import (
    ScratchSettings,
    parameter_count,
    scratch_networks_of,
    shared_shape,
)
from oneshot_hpo.searchers.scratch import train_from_scratch

SPACE = get_space("darts")
SETTINGS = ScratchSettings(channels=4)


@pytest.mark.parametrize("seed", range(3))
def test_the_network_is_the_authors(seed):
    architecture = SPACE.sample(np.random.default_rng(seed))
    genotype = SPACE.to_document(architecture)
    ours = scratch_networks_of(SPACE, [architecture], 3, 10, SETTINGS)
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in ours.parameters():
            if parameter.ndim < 3:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    ours.double()

    def cell(before, channels, reduction, reduction_before):
        edges = genotype["reduce" if reduction else "normal"]
        return InferCell(edges, before, channels, reduction, reduction_before)

    plain = Network(3, 4, 3, 10, cell).double()
    copy_network(ours, plain)
    images = torch.randn(6, 3, 8, 8, generator=generator).double()
    for training in (True, False):
        ours.train(training)
        plain.train(training)
        with torch.no_grad():
            one, other = ours(images)[..., 0], plain(images)
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)
    counted = sum(parameter.numel() for parameter in plain.parameters())
    assert parameter_count(SPACE, architecture, 3, 10, SETTINGS) == counted


@pytest.mark.slow
def test_an_architecture_trains_alone_and_learns(few_digits):
    rng = np.random.default_rng(0)
    one, other = SPACE.sample(rng), SPACE.sample(rng)
    assert shared_shape(SPACE, one) != shared_shape(SPACE, other)
    with pytest.raises(ValueError, match="one at a time"):
        scratch_networks_of(SPACE, [one, other], 1, 10, SETTINGS)
    settings = ScratchSettings(channels=2, stacks=2, batch_size=16)
    first, again = (
        train_from_scratch(SPACE, [one], few_digits, settings, epochs=5, seed=0) for _ in range(2)
    )
    np.testing.assert_array_equal(first.test_hits, again.test_hits)
    assert first.test_hits.shape == (1,)
    assert first.test_hits[0] > 0.2 * len(few_digits.test)
