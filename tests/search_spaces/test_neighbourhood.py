import numpy as np
import pytest
from support.grouped_space import GroupedSpace

from oneshot_hpo.search_spaces import SearchSpace, get_space
from oneshot_hpo.search_spaces.neighbourhood import best_neighbours, neighbours_of


def neighbours_one_by_one(space: SearchSpace, cell: int) -> set[int]:
    """By the neighbours of each of a cell's configurations, in plain Python."""
    configurations = np.flatnonzero(space.unique.of_configuration == cell).tolist()
    return {
        space.cell_index(near)
        for number in configurations
        for near in space.neighbours(space.architecture(number))
    }


@pytest.mark.parametrize(("number", "cells"), [(1, 40), (2, 20), (3, 5)])
def test_neighbours_are_those_of_all_configurations(number: int, cells: int) -> None:
    space, rng = get_space(number), np.random.default_rng(0)
    for cell in rng.integers(space.num_cells, size=cells).tolist():
        found = neighbours_of(space, space.unique.of_configuration, cell)
        assert [near.cell for near in found] == sorted(neighbours_one_by_one(space, cell) - {cell})
        for near in found:
            before = space.architecture(near.configuration)
            after = space.architecture(near.changed)
            assert after in space.neighbours(before)
            assert (space.cell_index(before), space.cell_index(after)) == (cell, near.cell)
            assert near.is_operation == (space.parents(before) == space.parents(after))


def test_being_neighbours_is_mutual() -> None:
    space = get_space(1)
    for near in neighbours_of(space, space.unique.of_configuration, 1000):
        assert 1000 in {
            back.cell for back in neighbours_of(space, space.unique.of_configuration, near.cell)
        }


def test_an_operation_is_named_where_an_edge_leads_there_too() -> None:
    space = get_space(1)
    for cell in range(0, space.num_cells, 97):
        by_operation = {
            space.cell_index(near)
            for number in np.flatnonzero(space.unique.of_configuration == cell).tolist()
            for here in [space.architecture(number)]
            for near in space.neighbours(here)
            if space.parents(near) == space.parents(here)
        }
        for near in neighbours_of(space, space.unique.of_configuration, cell):
            assert near.is_operation == (near.cell in by_operation)


def test_the_best_neighbours_of_all_cells_at_once() -> None:
    space = get_space(1)
    values = np.random.default_rng(1).random(space.num_cells)
    best = best_neighbours(space, space.unique.of_configuration, values)
    for cell in range(0, space.num_cells, 67):
        assert best[cell] == values[list(neighbours_one_by_one(space, cell))].min()


def test_a_number_of_no_cell_is_refused() -> None:
    with pytest.raises(ValueError, match="cells 0 to 2684, not 2685"):
        neighbours_of(get_space(1), get_space(1).unique.of_configuration, 2685)


def test_where_every_configuration_is_a_cell_neighbours_are_the_spaces() -> None:
    space = GroupedSpace()
    numbers = np.arange(space.num_configurations)
    for number in (0, 17, 95):
        found = neighbours_of(space, numbers, number)
        wanted = {space.configuration(one) for one in space.neighbours(space.architecture(number))}
        assert {near.cell for near in found} == wanted
    values = np.random.default_rng(0).random(96)
    best = best_neighbours(space, numbers, values)
    near = neighbours_of(space, numbers, 40)
    assert best[40] == min(values[one.cell] for one in near)
