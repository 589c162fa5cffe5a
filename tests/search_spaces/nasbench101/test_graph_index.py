import numpy as np
import pytest

from oneshot_hpo.search_spaces import InvalidCell, get_space
from oneshot_hpo.search_spaces.nasbench101.graph_index import GraphIndex
from oneshot_hpo.search_spaces.nasbench101.graphs import pack

SPACE = get_space(1)


@pytest.fixture(scope="module")
def index() -> GraphIndex:
    """Every second cell of space 1."""
    return GraphIndex(np.array([pack(cell) for cell in SPACE.cells[::2]], np.uint32))


def test_cells_are_found_where_they_stand_and_others_are_not(index):
    rows = index.rows(*SPACE.cell_graphs)
    np.testing.assert_array_equal(rows[::2], np.arange(len(SPACE.cells[::2])))
    assert (rows[1::2] == -1).all()


def test_numbers_may_stand_for_edges_and_many_graphs_for_few(index):
    adjacency, operations = SPACE.cell_graphs
    again = np.tile(np.arange(SPACE.num_cells), 10)
    rows = index.rows(adjacency[again].astype(int), operations[again])
    np.testing.assert_array_equal(rows, np.tile(index.rows(adjacency, operations), 10))


def test_graphs_that_are_no_cells_are_refused(index):
    adjacency, operations = (array[:5].copy() for array in SPACE.cell_graphs)
    with pytest.raises(InvalidCell, match="do not fit"):
        index.rows(adjacency, operations[:, 1:])
    for wrong in (operations + 3, operations - 3):
        with pytest.raises(InvalidCell, match="places in OPERATIONS"):
            index.rows(adjacency, wrong)
    with pytest.raises(InvalidCell, match="upper triangular"):
        index.rows(adjacency.transpose(0, 2, 1), operations)
    adjacency[3, 0] = False
    with pytest.raises(InvalidCell, match="graph 3 has no path"):
        index.rows(adjacency, operations)
