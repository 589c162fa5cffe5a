import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from support.plain_nasbench201 import InferCell, TinyNetwork, copy_network

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.searchers.network.scratch import (
    ScratchSettings,
    parameter_count,
    scratch_networks_of,
    shared_shape,
)
from oneshot_hpo.searchers.scratch import train_from_scratch

SPACE = get_space("nasbench201")
SETTINGS = ScratchSettings(channels=4)
CELLS = [SPACE.sample(np.random.default_rng(seed)) for seed in range(5)]


def networks(architectures=CELLS):
    found = scratch_networks_of(SPACE, architectures, 3, 10, SETTINGS)
    generator = torch.Generator().manual_seed(0)
    found.initialise(generator)
    with torch.no_grad():
        for parameter in found.parameters():
            if parameter.ndim < 3:
                parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
    return found.double()


def test_each_of_several_networks_is_the_authors():
    ours = networks()
    images = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(1)).double()
    for place, architecture in enumerate(CELLS):
        names = SPACE.names(architecture)
        plain = TinyNetwork(3, 4, 3, lambda width, names=names: [InferCell(names, width)], 10)
        plain.double()
        copy_network(ours, plain, place)
        with torch.no_grad():
            one, other = ours(images)[..., place], plain(images)
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)


def test_no_gradient_passes_between_networks():
    ours = networks()
    ours(torch.rand(3, 3, 8, 8).double())[..., 1].sum().backward()
    for parameter in ours.parameters():
        rows = parameter.grad
        if rows is not None and len(rows) % len(CELLS) == 0 and rows.ndim in (2, 3):
            others = rows.unflatten(0, (len(CELLS), -1))[[0, 2, 3, 4]]
            assert others.abs().sum() == 0
    stem = ours.stem[0].weight.grad.unflatten(0, (len(CELLS), -1))
    assert stem[1].abs().sum() > 0
    assert stem[[0, 2, 3, 4]].abs().sum() == 0


def test_a_cell_of_nothing_is_zero():
    nothing = SPACE.of_names(["none"] * 6)
    ours = networks([nothing, nothing])
    with torch.no_grad():
        logits = ours(torch.rand(3, 3, 8, 8).double())
    assert logits.shape == (3, 10, 2)
    torch.testing.assert_close(logits[:1].expand(3, 10, 2), logits)


def test_parameter_count_is_the_networks():
    for architecture in CELLS:
        network = scratch_networks_of(SPACE, [architecture], 3, 10, SETTINGS)
        counted = sum(parameter.numel() for parameter in network.parameters())
        assert parameter_count(SPACE, architecture, 3, 10, SETTINGS) == counted


def test_parameter_count_is_the_benchmarks():
    """Published values of cells with 16 channels, 3 stacks of 5 cells, on CIFAR-10."""
    settings = ScratchSettings(channels=16, stacks=3, cells_per_stack=5)
    names = {
        "|avg_pool_3x3~0|+|nor_conv_1x1~0|skip_connect~1|"
        "+|nor_conv_1x1~0|skip_connect~1|skip_connect~2|": 129_306,
        "|nor_conv_3x3~0|+|nor_conv_3x3~0|avg_pool_3x3~1|"
        "+|skip_connect~0|nor_conv_3x3~1|skip_connect~2|": 802_426,
    }
    for name, count in names.items():
        assert parameter_count(SPACE, SPACE.parse(name), 3, 10, settings) == count


def test_parameter_count_of_all_cells_is_the_benchmarks():
    """The file has six digits of each."""
    path = Path(os.environ.get("ONESHOT_HPO_TEST_DATA", "")) / "nasbench201/nasbench201.csv.gz"
    if not path.is_file():
        pytest.skip("set ONESHOT_HPO_TEST_DATA to a folder with nasbench201/nasbench201.csv.gz")
    settings = ScratchSettings(channels=16, stacks=3, cells_per_stack=5)
    rows = 0
    with gzip.open(path, "rt") as file:
        for row in csv.DictReader(file):
            found = parameter_count(SPACE, SPACE.parse(row["cell"]), 3, 10, settings)
            assert f"{found / 1e6:.6g}" == row["cifar10_params_M"]
            rows += 1
    assert rows == 15_625


@pytest.mark.slow
def test_training_learns_repeats_and_depends_on_the_seed(few_digits):
    assert {shared_shape(SPACE, one) for one in CELLS} == {()}
    settings = ScratchSettings(channels=4, stacks=2, batch_size=16)

    def train(epochs, seed):
        return train_from_scratch(SPACE, CELLS, few_digits, settings, epochs=epochs, seed=seed)

    first, again, other = train(1, 0), train(1, 0), train(1, 1)
    np.testing.assert_array_equal(first.valid_hits, again.valid_hits)
    np.testing.assert_array_equal(first.test_hits, again.test_hits)
    assert (first.valid_hits != other.valid_hits).any()
    assert train(12, 0).test_hits.max() > 0.4 * len(few_digits.test)


@pytest.mark.parametrize("stacks", [1, 2])
def test_images_of_odd_sizes_are_halved_rounded_up(stacks):
    settings = ScratchSettings(channels=2, stacks=stacks)
    ours = scratch_networks_of(SPACE, CELLS, 1, 10, settings)
    ours.initialise(torch.Generator().manual_seed(0))
    assert ours(torch.rand(3, 1, 7, 7)).shape == (3, 10, len(CELLS))
