import dataclasses

import numpy as np
import pytest
import torch

from oneshot_hpo.search_spaces import Cell, get_space
from oneshot_hpo.searchers.data.datasets import load_dataset
from oneshot_hpo.searchers.data.images import ImageSplits
from oneshot_hpo.searchers.network.nasbench101.scratch import (
    Networks,
    cell_parameters,
    vertex_channels,
)
from oneshot_hpo.searchers.network.scratch import (
    ScratchSettings,
    parameter_count,
    scratch_networks_of,
    shared_shape,
)
from oneshot_hpo.searchers.scratch import train_from_scratch, train_networks

SETTINGS = ScratchSettings(channels=4)
MATRIX = get_space(1).cells[500].matrix
SAME_GRAPH = [cell for cell in get_space(1).cells if cell.matrix == MATRIX]


@pytest.fixture(scope="module")
def few_digits() -> ImageSplits:
    data = load_dataset("digits")
    return dataclasses.replace(data, scratch_train=data.scratch_train.between(0, 200))


def test_output_channels_are_shared_among_the_outputs_parents():
    # input -> 1, 2, 3; 1, 2 and 3 -> output: 8 channels as 3 + 3 + 2
    matrix = np.zeros((5, 5), int)
    matrix[0, 1:4] = matrix[1:4, 4] = 1
    cell = Cell.pruned(matrix, ("input", *["conv1x1-bn-relu"] * 3, "output"))
    assert vertex_channels(cell, 4, 8) == [4, 3, 3, 2, 8]
    # a vertex that does not feed the output has as many as the largest vertex it feeds
    matrix = np.zeros((5, 5), int)
    matrix[0, 1] = matrix[1, 2] = matrix[1, 3] = matrix[2, 4] = matrix[3, 4] = 1
    cell = Cell.pruned(matrix, ("input", *["conv1x1-bn-relu"] * 3, "output"))
    assert vertex_channels(cell, 4, 9) == [4, 5, 5, 4, 9]


def test_parameter_count_is_the_networks():
    for cell in SAME_GRAPH[:5]:
        network = Networks([cell], 1, 10, SETTINGS)
        counted = sum(parameter.numel() for parameter in network.parameters())
        assert cell_parameters(cell, 1, 10, SETTINGS) == counted


def test_parameter_count_is_nas_bench_101s(nasbench101):
    """128 channels, 3 stacks of 3 cells on CIFAR-10: the benchmark's own trainable parameters."""
    settings = ScratchSettings(channels=128, stacks=3, cells_per_stack=3)
    rng = np.random.default_rng(0)
    for row in [*range(10), *rng.choice(len(nasbench101), 300, replace=False)]:
        matrix, operations, _, parameters = nasbench101[row]
        assert cell_parameters(Cell.pruned(matrix, operations), 3, 10, settings) == parameters


@pytest.mark.slow
def test_side_by_side_is_the_same_network_as_alone():
    """Copy each group's weights into a network of its own: the logits are equal."""
    cells = SAME_GRAPH[::7]
    together = Networks(cells, 1, 10, SETTINGS).double()
    together.initialise(torch.Generator().manual_seed(0))
    images = torch.rand(6, 1, 8, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    logits = together(images)
    for place, cell in enumerate(cells):
        alone = Networks([cell], 1, 10, SETTINGS).double()
        _copy_group(together, alone, place, len(cells))
        torch.testing.assert_close(alone(images)[..., 0], logits[..., place], rtol=1e-9, atol=1e-12)


def test_no_gradient_passes_between_networks():
    cells = SAME_GRAPH[:4]
    network = Networks(cells, 1, 10, SETTINGS)
    network.initialise(torch.Generator().manual_seed(0))
    network(torch.rand(3, 1, 8, 8))[..., 1].sum().backward()
    assert network.classifier.grad[1].abs().sum() > 0
    assert network.classifier.grad[[0, 2, 3]].abs().sum() == 0
    projection = network.stacks[0][0].projections[0][0].weight.grad.unflatten(0, (4, -1))
    assert projection[1].abs().sum() > 0
    assert projection[[0, 2, 3]].abs().sum() == 0


@pytest.mark.slow
def test_training_learns_repeats_and_depends_on_the_seed(few_digits):
    space = get_space(1)
    numbers = space.unique.first[[space.cells.index(cell) for cell in SAME_GRAPH[:3]]]
    architectures = list(map(space.architecture, numbers.tolist()))
    assert {shared_shape(space, architecture) for architecture in architectures} == {MATRIX}
    counts = [parameter_count(space, one, 1, 10, SETTINGS) for one in architectures]
    assert counts == [cell_parameters(cell, 1, 10, SETTINGS) for cell in SAME_GRAPH[:3]]

    def train(epochs, seed):
        return train_from_scratch(
            space, architectures, few_digits, SETTINGS, epochs=epochs, seed=seed
        )

    first, again, other = train(1, 0), train(1, 0), train(1, 1)
    np.testing.assert_array_equal(first.valid_hits, again.valid_hits)
    np.testing.assert_array_equal(first.test_hits, again.test_hits)
    assert (first.valid_hits != other.valid_hits).any()
    longer = train(12, 0)
    assert longer.test_hits.mean() > first.test_hits.mean()
    assert longer.test_hits.mean() > 0.3 * len(few_digits.test)


def test_a_cell_without_choice_blocks_trains(few_digits):
    cell = Cell.pruned([[0, 1], [0, 0]], ("input", "output"))
    result = train_networks(
        Networks([cell], 1, 10, SETTINGS), few_digits, SETTINGS, epochs=1, seed=0
    )
    assert result.valid_hits.shape == (1,)


def test_cells_of_different_graphs_are_refused():
    space = get_space(1)
    architectures = [space.architecture(0), space.architecture(space.num_configurations - 1)]
    with pytest.raises(ValueError, match="same matrix"):
        scratch_networks_of(space, architectures, 1, 10, SETTINGS)


def _copy_group(source: Networks, target: Networks, place: int, count: int) -> None:
    """Give a network of one cell the weights of one group of a network of several."""
    with torch.no_grad():
        target.stem.load_state_dict(_stem_of(source, place, count))
        for ours, theirs in zip(target.stacks, source.stacks, strict=True):
            for cell, group in zip(ours, theirs, strict=True):
                for own, shared in zip(cell.projections, group.projections, strict=True):
                    own[0].weight.copy_(shared[0].weight.unflatten(0, (count, -1))[place])
                for own, shared in zip(cell.operations, group.operations, strict=True):
                    (name, branch) = next(iter(own.branches.items()))
                    if name == "maxpool3x3":
                        continue
                    members = shared.get_buffer(f"members_{name}").tolist()
                    weight = shared.branches[name][0].weight.unflatten(0, (len(members), -1))
                    branch[0].weight.copy_(weight[members.index(place)])
        target.classifier.copy_(source.classifier[place : place + 1])


def _stem_of(source: Networks, place: int, count: int) -> dict[str, torch.Tensor]:
    return {
        name: value.unflatten(0, (count, -1))[place] if value.ndim else value
        for name, value in source.stem.state_dict().items()
    }
