from itertools import permutations

import numpy as np
import pytest

from oneshot_hpo.search_spaces import Cell, get_space
from oneshot_hpo.search_spaces.nasbench101.cell import OPERATIONS, kept_vertices
from oneshot_hpo.search_spaces.nasbench101.graphs import (
    isomorphism_keys,
    pack,
    unpack,
    unpack_cell,
    without_edges,
    without_operations,
)


@pytest.mark.parametrize("number", [1, 2, 3])
def test_packed_cells_come_back(number):
    for cell in get_space(number).cells[::37]:
        code = pack(cell)
        assert 0 <= code < 2**32
        assert unpack_cell(code) == cell


def test_the_smallest_and_the_largest_cell_can_be_packed():
    smallest = Cell.pruned([[0, 1], [0, 0]], ("input", "output"))
    full = np.triu(np.ones((7, 7), int), 1)
    largest = Cell.pruned(full, ("input", *[OPERATIONS[2]] * 5, "output"))
    assert [unpack_cell(pack(cell)) for cell in (smallest, largest)] == [smallest, largest]


def test_the_parts_of_a_packed_cell_are_its_matrix_and_its_operations():
    for cell in get_space(3).cells[::97]:
        code = pack(cell)
        assert unpack_cell(without_operations(code)).matrix == cell.matrix
        assert unpack_cell(without_edges(code)).operations == cell.operations
        assert without_operations(code) | without_edges(code) == code


def test_many_are_unpacked_as_each_one_is():
    cells = get_space(3).cells[::400]
    adjacency, labels = unpack(np.array([pack(cell) for cell in cells], np.uint32))
    assert adjacency.shape == (len(cells), 7, 7) and labels.shape == (len(cells), 7)
    for graph, codes, cell in zip(adjacency, labels, cells, strict=True):
        size = len(cell.matrix)
        np.testing.assert_array_equal(graph[:size, :size], cell.matrix)
        assert graph.sum() == np.sum(cell.matrix)
        assert codes[0] == -1 and codes[size - 1] == -2
        assert [OPERATIONS[code] for code in codes[1 : size - 1]] == list(cell.operations[1:-1])


def test_isomorphic_graphs_share_a_key_and_others_do_not():
    """All orders of a cell's inner vertices; and all cells of space 3, which differ by pair."""
    cells = get_space(3).cells
    adjacency, labels = unpack(np.array([pack(cell) for cell in cells], np.uint32))
    keys = isomorphism_keys(adjacency, labels)
    assert len(np.unique(keys)) == len(cells)
    for index in range(0, len(cells), 9_000):
        orders = np.array([(0, *order, 6) for order in permutations(range(1, 6))])
        graph, codes = adjacency[index], labels[index]
        shuffled = graph[orders[:, :, None], orders[:, None, :]]
        # what counts is the direction of an edge, not the order of its ends
        forward = ~np.tril(shuffled).any((1, 2))
        assert forward.any()
        np.testing.assert_array_equal(
            isomorphism_keys(shuffled[forward], codes[orders[forward]]), keys[index]
        )


def test_a_vertex_without_edges_is_no_part_of_a_graph():
    adjacency, operations = (array[:50] for array in get_space(2).cell_graphs)
    kept = kept_vertices(adjacency)
    pruned = adjacency & kept[:, :, None] & kept[:, None, :]
    labels = np.pad(operations, ((0, 0), (1, 1))).astype(np.int8)
    labels[:, 0], labels[:, -1] = -1, -2
    other = np.where(kept, labels, (labels + 1) % 3)
    np.testing.assert_array_equal(isomorphism_keys(pruned, labels), isomorphism_keys(pruned, other))


def test_every_cell_of_nasbench101_has_its_own_key(nasbench101):
    codes = nasbench101.packed
    assert len(np.unique(isomorphism_keys(*unpack(codes)))) == len(codes) == 423_624
