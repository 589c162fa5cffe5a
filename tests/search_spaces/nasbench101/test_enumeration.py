import numpy as np
import pytest

from oneshot_hpo.search_spaces import Cell, get_space
from oneshot_hpo.search_spaces.nasbench101.enumeration import (
    parent_choices,
    topologies,
    unique_cells,
)

# Zela et al. 2020 give the raw sizes with loose ends; the others were counted for this project.
COUNTS = {1: (14_580, 3_702, 2_685), 2: (29_160, 12_474, 7_773), 3: (1_312_200, 135_900, 55_854)}


@pytest.mark.slow
@pytest.mark.parametrize("number", COUNTS)
def test_counts(number):
    raw, without_loose_ends, unique = COUNTS[number]
    space = get_space(number)
    assert space.num_configurations == raw == len(space.unique.of_configuration)
    assert space.unique.without_loose_ends == without_loose_ends
    assert space.num_cells == unique


@pytest.mark.slow
@pytest.mark.parametrize("number", [1, 2])
def test_unique_cells_are_those_with_different_official_hashes(number):
    cells = get_space(number).cells
    assert len({cell.hash for cell in cells}) == len(cells)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_a_configuration_belongs_to_the_cell_with_its_hash(number):
    space = get_space(number)
    rng = np.random.default_rng(number)
    for _ in range(200):
        architecture = space.sample(rng)
        first = int(space.unique.first[space.cell_index(architecture)])
        assert space.cell(architecture).hash == space.cell(space.architecture(first)).hash


def test_first_is_the_lowest_configuration_of_its_cell():
    unique = get_space(1).unique
    assert (np.diff(unique.first) > 0).all()
    for cell in range(0, len(unique.first), 100):
        assert np.flatnonzero(unique.of_configuration == cell)[0] == unique.first[cell]


def test_topologies_have_the_given_number_of_parents():
    adjacency = topologies((1, 2, 2))
    assert (adjacency.sum(1)[:, 1:] == (1, 2, 2)).all()
    assert len(np.unique(adjacency.reshape(len(adjacency), -1), axis=0)) == len(adjacency) == 3
    assert parent_choices((1, 2, 2))[2] == [(0, 1), (0, 2), (1, 2)]


def test_a_small_space_agrees_with_hashing_every_configuration():
    num_parents = (1, 1, 2)
    unique = unique_cells(num_parents)
    by_hash = {}
    names = ("conv3x3-bn-relu", "conv1x1-bn-relu", "maxpool3x3")
    number = 0
    for adjacency in topologies(num_parents):
        for first in names:
            for second in names:
                cell = Cell.pruned(adjacency.astype(int), ("input", first, second, "output"))
                by_hash.setdefault(cell.hash, set()).add(int(unique.of_configuration[number]))
                number += 1
    assert number == len(unique.of_configuration)
    assert all(len(cells) == 1 for cells in by_hash.values())
    assert len(by_hash) == len(unique.first)
