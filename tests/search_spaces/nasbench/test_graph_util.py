import numpy as np
import pytest

from oneshot_hpo.search_spaces import InvalidCell
from oneshot_hpo.search_spaces.nasbench import graph_util

CUBE = [(a, b) for a in range(8) for b in range(8) if (a ^ b).bit_count() == 1]


def matrix_of(edges, vertices):
    matrix = np.zeros((vertices, vertices), int)
    for source, target in edges:
        matrix[source, target] = 1
    return matrix


def random_graph(rng, vertices, labels=2):
    matrix = rng.integers(0, 2, (vertices, vertices))
    return matrix, rng.integers(0, labels, vertices).tolist()


@pytest.mark.parametrize(
    ("bits", "vertices", "edges"),
    [
        (0, 4, []),
        (0b1, 3, [(0, 1)]),
        (0b110, 3, [(0, 2), (1, 2)]),
        (0b110, 4, [(0, 2), (1, 2)]),
        (0b101001, 4, [(0, 1), (0, 3), (2, 3)]),
        (1 << 104, 15, [(13, 14)]),
    ],
)
def test_bits_are_edges_one_target_after_the_other(bits, vertices, edges):
    is_edge = graph_util.gen_is_edge_fn(bits)
    made = np.fromfunction(is_edge, (vertices, vertices), dtype=np.int8)
    np.testing.assert_array_equal(made, matrix_of(edges, vertices))


@pytest.mark.parametrize(
    ("edges", "full"),
    [
        ([(0, 1), (1, 2), (2, 3)], True),
        ([(0, 1), (0, 2), (1, 3), (2, 3)], True),
        ([(0, 1), (1, 3), (2, 3)], False),
        ([(0, 1), (0, 2), (1, 3)], False),
        ([(0, 1), (1, 3)], False),
        ([], False),
    ],
)
def test_a_full_dag_has_no_loose_vertex(edges, full):
    assert graph_util.is_full_dag(matrix_of(edges, 4)) is full
    assert graph_util.num_edges(matrix_of(edges, 4)) == len(edges)


def test_a_permutation_says_where_each_vertex_goes():
    matrix = matrix_of([(0, 1), (1, 2), (2, 2)], 3)
    permuted, labels = graph_util.permute_graph(matrix, ["a", "b", "c"], [2, 0, 1])
    np.testing.assert_array_equal(permuted, matrix_of([(2, 0), (0, 1), (1, 1)], 3))
    assert labels == ["b", "c", "a"]


def test_renumbered_graphs_are_isomorphic_and_hash_alike():
    rng = np.random.default_rng(0)
    for _ in range(100):
        graph = random_graph(rng, int(rng.integers(2, 9)))
        renumbered = graph_util.permute_graph(*graph, rng.permutation(len(graph[1])).tolist())
        assert graph_util.is_isomorphic(graph, renumbered)
        assert graph_util.hash_module(*graph) == graph_util.hash_module(*renumbered)


def test_graphs_of_different_hash_are_not_isomorphic():
    rng = np.random.default_rng(1)
    graphs = [random_graph(rng, 3) for _ in range(40)]
    verdicts = set()
    for first in graphs:
        for second in graphs:
            isomorphic = graph_util.is_isomorphic(first, second)
            verdicts.add(isomorphic)
            same_hash = graph_util.hash_module(*first) == graph_util.hash_module(*second)
            assert isomorphic == same_hash
    assert verdicts == {True, False}


def test_isomorphism_sees_what_the_hash_cannot():
    # Refinement cannot tell two 4-cycles from an 8-cycle: every vertex has two like neighbours.
    def cycle(*vertices):
        steps = list(zip(vertices, (*vertices[1:], vertices[0]), strict=True))
        return steps + [(b, a) for a, b in steps]

    labels = [0] * 8
    one = matrix_of(cycle(*range(8)), 8)
    two = matrix_of(cycle(0, 1, 2, 3) + cycle(4, 5, 6, 7), 8)
    assert graph_util.hash_module(one, labels) == graph_util.hash_module(two, labels)
    assert not graph_util.is_isomorphic((one, labels), (two, labels))


def test_isomorphism_heeds_labels_of_a_regular_graph():
    cube = matrix_of(CUBE, 8)
    opposite = [1, 0, 0, 0, 0, 0, 0, 1]
    adjacent = [1, 1, 0, 0, 0, 0, 0, 0]
    adjacent_too = [0, 0, 0, 0, 0, 1, 0, 1]
    assert graph_util.is_isomorphic((cube, adjacent), (cube, adjacent_too))
    assert not graph_util.is_isomorphic((cube, adjacent), (cube, opposite))


def words(array):
    """Vertex labels as numpy's own numbers."""
    return list(np.array(array))


@pytest.mark.parametrize(
    ("factor", "dtype", "labels", "googles"),
    [
        (1, int, [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "e2496e78ddfa527a8af479ab84090f9c"),
        (1, int, ["a", "b", "c"], "72a7075b7c66dd5aa515db78838296a2"),
        (1, int, [0.2, 0.7, 1], "226c66f98f4fb458dbea03850becd07b"),
        (1, int, [0.7, 0.2, 1], "d2464ab3410c991856d75e6118017aa0"),
        (2, int, [0, 1, 2], "2b264ccd52190233daf066caf71e8c9e"),
        (1, float, [0, 1, 2], "567a4778fecad20193940208d9d9c527"),
        (1, np.int8, [1, True, None], "5e864968427970ef678132af7fa0e6c3"),
        (1, bool, [(1, 2), "x", 3.5], "c5970eff9919830828630e1bc25e1ec5"),
        (1, int, [-1, 2, -2], "6f6257bc3b12d87b8736e81cd4b7ed8b"),
        (1, int, words([-1, 2, -2]), "6f6257bc3b12d87b8736e81cd4b7ed8b"),
        (1, int, words(["a", "b", "c"]), "72a7075b7c66dd5aa515db78838296a2"),
        (1, int, np.array([-1, 2, -2]), "6f6257bc3b12d87b8736e81cd4b7ed8b"),
    ],
)
def test_labels_and_entries_of_any_kind_hash_as_in_the_original(factor, dtype, labels, googles):
    """The digests are of google's hash_module; its numpy 1 prints numpy's numbers as plain ones."""
    matrix = (np.array([[0, 1, 1], [0, 0, 1], [0, 0, 0]]) * factor).astype(dtype)
    assert graph_util.hash_module(matrix, labels) == googles


def test_an_entry_of_2_is_no_edge_as_in_the_original():
    chain = matrix_of([(0, 1), (1, 2)], 3)
    assert not graph_util.is_isomorphic((chain, [1, 1, 1]), (2 * chain, [1, 1, 1]))
    assert not graph_util.is_isomorphic((2 * chain, [1, 1, 1]), (chain, [1, 1, 1]))
    assert graph_util.is_isomorphic((2 * chain, [1, 1, 1]), (0 * chain, [1, 1, 1]))
    assert graph_util.num_edges(2 * chain) == 4


def test_graphs_that_do_not_fit_are_refused():
    with pytest.raises(InvalidCell, match="2 labels do not fit"):
        graph_util.hash_module(np.zeros((3, 3), int), [0, 0])
    with pytest.raises(InvalidCell, match="different sizes: 2 and 3 labels"):
        graph_util.is_isomorphic(
            (np.zeros((2, 2), int), [0, 0]), (np.zeros((3, 3), int), [0, 0, 0])
        )
