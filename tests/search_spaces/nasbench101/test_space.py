import json

import numpy as np
import pytest
from ConfigSpace import ConfigurationSpace

from oneshot_hpo.search_spaces import get_space
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS


def test_unknown_space_says_which_there_are():
    with pytest.raises(
        ValueError, match=r"^there are search spaces 1, 2, 3, nasbench201, .*, not 4$"
    ):
        get_space(4)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_numbers_and_architectures_are_inverse(number):
    space = get_space(number)
    rng = np.random.default_rng(0)
    chosen = [0, space.num_configurations - 1, *rng.integers(space.num_configurations, size=100)]
    for configuration in map(int, chosen):
        assert space.configuration(space.architecture(configuration)) == configuration
    with pytest.raises(ValueError, match="configurations 0 to"):
        space.architecture(space.num_configurations)


def test_an_architecture_of_another_space_is_refused():
    foreign = get_space(3).architecture(0)
    with pytest.raises(ValueError, match="not an architecture of space 1"):
        get_space(1).cell(foreign)


def test_sampling_is_uniform_and_follows_the_generator():
    space = get_space(1)
    draws = [space.sample(np.random.default_rng(5)) for _ in range(2)]
    assert draws[0] == draws[1]
    rng = np.random.default_rng(0)
    sample = [space.sample(rng) for _ in range(3000)]
    for block in range(space.num_blocks):
        for name in OPERATIONS:
            share = np.mean([space.operation_names(a)[block] == name for a in sample])
            assert abs(share - 1 / 3) < 0.04
    for parents in space.parent_choices[-1]:
        assert abs(np.mean([space.parents(a)[-1] == parents for a in sample]) - 0.1) < 0.03


@pytest.mark.parametrize("number", [1, 2, 3])
def test_neighbours_differ_in_one_edge_or_one_operation_and_are_symmetric(number):
    space = get_space(number)
    architecture = space.sample(np.random.default_rng(1))
    neighbours = space.neighbours(architecture)
    assert len(set(neighbours)) == len(neighbours)
    for other in neighbours:
        space.configuration(other)
        moved = sum(
            len(set(a) - set(b))
            for a, b in zip(space.parents(architecture), space.parents(other), strict=True)
        )
        operations = map(space.operation_names, (architecture, other))
        changed = sum(a != b for a, b in zip(*operations, strict=True))
        assert moved + changed == 1
        assert architecture in space.neighbours(other)
    # every block has two other operations; a choice of k parents among c moves k (c - k) ways
    moves = sum(k * (node - k) for node, k in enumerate(space.num_parents, start=1))
    assert len(neighbours) == 2 * space.num_blocks + moves


@pytest.mark.parametrize("number", [1, 2, 3])
def test_config_space_holds_exactly_the_configurations(number):
    space = get_space(number)
    config_space = space.configuration_space(seed=3)
    assert isinstance(config_space, ConfigurationSpace)
    assert config_space.estimate_size() == space.num_configurations
    for configuration in config_space.sample_configuration(20):
        space.configuration(space.from_configuration(dict(configuration)))


def test_an_architecture_survives_json():
    space = get_space(2)
    architecture = space.sample(np.random.default_rng(0))
    document = json.loads(json.dumps(space.to_document(architecture)))
    assert list(document) == ["parents", "operations"]
    assert space.from_document(document) == architecture
    assert space.parse(space.text(architecture)) == architecture


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"parents": 3, "operations": []},
        {"parents": [[0]], "operations": []},
        {"parents": [[0], [0, 1], [0, 1], [0, 1], [0, 1]], "operations": ["none"] * 4},
        {"parents": [[0], [0, 1], [0, 1], [1, 0], [0, 1]], "operations": [*OPERATIONS, "output"]},
    ],
)
def test_a_document_of_no_architecture_is_refused_on_one_line(document):
    with pytest.raises(ValueError, match=r"^not an architecture of space 1\b.*$"):
        get_space(1).from_document(document)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_used_operations_and_drawings_are_of_the_pruned_cell(number):
    space = get_space(number)
    chosen = np.random.default_rng(0).integers(space.num_configurations, size=100)
    for configuration, used in zip(chosen.tolist(), space.used_operations(chosen), strict=True):
        architecture = space.architecture(configuration)
        cell = space.cell(architecture)
        assert tuple(OPERATIONS[code] for code in used if code >= 0) == cell.operations[1:-1]
        drawing = space.drawing(architecture)
        matrix = np.zeros((len(drawing.labels),) * 2, int)
        matrix[tuple(np.array(drawing.edges).T)] = 1
        assert (tuple(map(tuple, matrix.tolist())), drawing.labels) == (
            cell.matrix,
            cell.operations,
        )


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2, 3])
def test_cells_are_the_pruned_cells_of_their_first_configurations(number):
    space = get_space(number)
    assert len(space.cells) == space.num_cells
    for index in np.random.default_rng(0).integers(space.num_cells, size=300).tolist():
        first = int(space.unique.first[index])
        assert space.cells[index] == space.cell(space.architecture(first))


@pytest.mark.parametrize("number", [1, 2, 3])
def test_configurations_are_found_by_the_values_of_their_choices(number: int) -> None:
    space = get_space(number)
    named = space.configuration_space()
    blocks = [f"block_{i}" for i in range(1, space.num_blocks + 1)]
    names = [f"{node}_parents" for node in [*blocks, "output"] if f"{node}_parents" in named]
    names += [f"{block}_operation" for block in blocks]
    assert sorted(names) == sorted(named)
    assert tuple(len(named[name].choices) for name in names) == space.radices
    values = np.random.default_rng(0).integers(space.radices, size=(50, len(space.radices)))
    for row, found in zip(values, space.configurations(values), strict=True):
        chosen = {name: named[name].choices[i] for name, i in zip(names, row, strict=True)}
        assert space.from_configuration(chosen) == space.architecture(int(found))
